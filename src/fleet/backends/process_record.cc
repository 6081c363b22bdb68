#include "fleet/backends/process_record.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "base/file.h"

namespace facefleet::fleet {
namespace {

namespace json = boost::json;

constexpr std::array kStates = {InstanceState::kPending,    InstanceState::kRunning,  InstanceState::kShuttingDown,
                                InstanceState::kTerminated, InstanceState::kStopping, InstanceState::kStopped};

InstanceState state_of(const json::value& text) {
  const auto* found = std::ranges::find(kStates, std::string_view(text.as_string()),
                                        [](InstanceState state) { return to_string(state); });
  if (found == kStates.end()) throw std::invalid_argument("no such state");
  return *found;
}

std::optional<ProcessRecord> parse(BytesView bytes) {
  boost::system::error_code failure;
  const json::value root = json::parse(bytes, failure);
  if (failure || !root.is_object()) return std::nullopt;
  const auto text = [&root](std::string_view key) { return json::value_to<std::string>(root.at(key)); };
  try {
    ProcessRecord record;
    Instance& instance = record.instance;
    instance.id = text("id");
    instance.name = text("name");
    instance.state = state_of(root.at("state"));
    instance.state_reason = text("state_reason");
    instance.launched_ms = root.at("launched_ms").to_number<std::int64_t>();
    instance.state_since_ms = root.at("state_since_ms").to_number<std::int64_t>();
    instance.jobs_done = root.at("jobs_done").to_number<std::int64_t>();
    instance.pid = root.at("pid").to_number<int>();
    instance.tags = json::value_to<Tags>(root.at("tags"));
    instance.image_id = text("image_id");
    instance.type = text("type");
    record.start_ticks = root.at("start_ticks").to_number<std::uint64_t>();
    record.pooled = root.at("pooled").as_bool();
    record.token = text("token");
    record.terms = text("terms");
    record.arguments = json::value_to<std::vector<std::string>>(root.at("arguments"));
    return record;
  } catch (const std::exception&) {  // a field is missing or of another type
    return std::nullopt;
  }
}

}  // namespace

Result<void> write_record(const std::filesystem::path& path, const ProcessRecord& record) {
  const Instance& instance = record.instance;
  const json::value root{{"id", instance.id},
                         {"name", instance.name},
                         {"state", to_string(instance.state)},
                         {"state_reason", instance.state_reason},
                         {"launched_ms", instance.launched_ms},
                         {"state_since_ms", instance.state_since_ms},
                         {"jobs_done", instance.jobs_done},
                         {"pid", instance.pid},
                         {"tags", json::value_from(instance.tags)},
                         {"image_id", instance.image_id},
                         {"type", instance.type},
                         {"start_ticks", record.start_ticks},
                         {"pooled", record.pooled},
                         {"token", record.token},
                         {"terms", record.terms},
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
