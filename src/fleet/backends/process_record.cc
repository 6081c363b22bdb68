#include "fleet/backends/process_record.h"

#include <boost/json.hpp>
#include <fstream>
#include <optional>

#include "base/file.h"

namespace facefleet::fleet {
namespace {

namespace json = boost::json;

std::optional<ProcessRecord> parse(BytesView bytes) {
  boost::system::error_code failure;
  const json::value root = json::parse(bytes, failure);
  if (failure || !root.is_object()) return std::nullopt;
  try {
    ProcessRecord record;
    record.id = json::value_to<std::string>(root.at("id"));
    record.name = json::value_to<std::string>(root.at("name"));
    record.launched_ms = root.at("launched_ms").to_number<std::int64_t>();
    record.pid = root.at("pid").to_number<int>();
    record.start_ticks = root.at("start_ticks").to_number<std::uint64_t>();
    record.leaving = root.at("leaving").as_bool();
    record.arguments = json::value_to<std::vector<std::string>>(root.at("arguments"));
    return record;
  } catch (const std::exception&) {  // a field is missing or of another type
    return std::nullopt;
  }
}

}  // namespace

Result<void> write_record(const std::filesystem::path& path, const ProcessRecord& record) {
  const json::value root{{"id", record.id},
                         {"name", record.name},
                         {"launched_ms", record.launched_ms},
                         {"pid", record.pid},
                         {"start_ticks", record.start_ticks},
                         {"leaving", record.leaving},
                         {"arguments", json::value_from(record.arguments)}};
  const std::filesystem::path beside = path.string() + ".partial";
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  file << json::serialize(root) << '\n';
  file.close();
  std::error_code failure;
  if (file) std::filesystem::rename(beside, path, failure);
  if (!file || failure) return Error{Code::kInternal, "cannot write " + path.string(), ""};
  return {};
}

std::vector<ProcessRecord> read_records(const std::filesystem::path& folder) {
  std::vector<ProcessRecord> records;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    if (entry.path().extension() != ".json") continue;
    const Result<Bytes> bytes = read_file(entry.path());
    if (!bytes) continue;
    if (auto record = parse(*bytes)) {
      records.push_back(std::move(*record));
    } else {
      std::filesystem::remove(entry.path(), failure);
    }
  }
  return records;
}

}  // namespace facefleet::fleet
