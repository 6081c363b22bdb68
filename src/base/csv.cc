#include "base/csv.h"

#include <algorithm>

namespace facefleet {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Reads one field from the front of `text` and leaves its separator there. False if its quotes are not closed, or
// closed too early.
bool take_field(std::string_view& text, std::string& field) {
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find_first_of(",\r\n"), text.size());
    field = text.substr(0, end);
    text.remove_prefix(end);
    return true;
  }
  text.remove_prefix(1);
  while (true) {
    const std::size_t quote = text.find('"');
    if (quote == std::string_view::npos) return false;
    field += text.substr(0, quote);
    text.remove_prefix(quote + 1);
    if (!text.starts_with('"')) break;
    field += '"';
    text.remove_prefix(1);
  }
  return text.empty() || text.find_first_of(",\r\n") == 0;
}

}  // namespace

Result<std::vector<std::vector<std::string>>> parse_csv(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::string_view whole = text;
  std::vector<std::vector<std::string>> records;
  while (!text.empty()) {
    std::vector<std::string> record;
    bool more = true;
    while (more) {
      const std::size_t at = whole.size() - text.size();
      if (!take_field(text, record.emplace_back())) {
        const auto line = 1 + std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at), '\n');
        return Error{Code::kInvalidInput,
                     "line " + std::to_string(line) + ": a field's quotes must close just before the next comma.",
                     "malformed_csv"};
      }
      more = text.starts_with(',');
      if (more) text.remove_prefix(1);
    }
    if (text.starts_with('\r')) text.remove_prefix(1);
    if (text.starts_with('\n')) text.remove_prefix(1);
    if (record.size() > 1 || !record[0].empty()) records.push_back(std::move(record));
  }
  return records;
}

}  // namespace facefleet
