#include "load/predictions.h"

#include <boost/json.hpp>
#include <utility>

#include "base/csv.h"
#include "base/file.h"

namespace facefleet::load {
namespace {

namespace json = boost::json;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The label inside a parsed reply, or nothing.
const json::string* find_label(const json::value& value) {
  if (value.is_string()) return &value.get_string();
  if (value.is_array()) return value.get_array().size() == 1 ? find_label(value.get_array()[0]) : nullptr;
  if (!value.is_object()) return nullptr;
  if (const json::value* label = value.get_object().if_contains("label")) return label->if_string();
  if (const json::value* results = value.get_object().if_contains("results")) return find_label(*results);
  return nullptr;
}

}  // namespace

std::string_view stem(std::string_view name) { return name.substr(0, name.find('.')); }

Result<Predictions> read_predictions(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return text.error();
  const auto records = parse_csv(*text);
  if (!records) return Error{Code::kInvalidInput, file.string() + ": " + records.error().message, "malformed_csv"};

  Predictions predictions;
  for (const auto& record : *records) {
    if (record.size() < 2) {
      return Error{Code::kInvalidInput,
                   file.string() + ": `" + record[0] + "` has no label; each line is `photo,label`.", "malformed_csv"};
    }
    const bool heading = &record == &records->front() && record[0] == "Image" && record[1] == "Results";
    if (!heading) predictions.insert_or_assign(std::string(stem(record[0])), std::string(trimmed(record[1])));
  }
  return predictions;
}

std::string label_of(std::string_view name, BytesView reply) {
  const std::string_view text = trimmed(reply);
  if (text.starts_with('"') || text.starts_with('{') || text.starts_with('[')) {
    boost::system::error_code failure;
    const json::value parsed = json::parse(text, failure);
    const json::string* label = failure ? nullptr : find_label(parsed);
    return std::string(label == nullptr ? text : std::string_view(*label));
  }
  for (const std::string_view own : {name, stem(name)}) {
    if (text.starts_with(own) && text.substr(own.size()).starts_with(':'))
      return std::string(trimmed(text.substr(own.size() + 1)));
  }
  return std::string(text);
}

}  // namespace facefleet::load
