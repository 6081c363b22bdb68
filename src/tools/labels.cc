#include "tools/labels.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/csv.h"
#include "base/file.h"

namespace facefleet::tools {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Headings are optional, and of many wordings: `Image,Results` in the courses' files.
bool is_heading(const std::vector<std::string>& record) {
  constexpr std::array<std::string_view, 6> kFiles = {"file", "filename", "image", "name", "path", "photo"};
  constexpr std::array<std::string_view, 6> kLabels = {"class", "label", "name", "person", "result", "results"};
  return std::ranges::find(kFiles, lower(record[0])) != kFiles.end() &&
         std::ranges::find(kLabels, lower(record[1])) != kLabels.end();
}

}  // namespace

std::string_view stem(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == 0 ? name : name.substr(0, dot);
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Result<Labels> Labels::parse(std::string_view csv) {
  const auto records = parse_csv(csv);
  if (!records) return records.error();
  Labels labels;
  for (const std::vector<std::string>& record : *records) {
    if (record.size() < 2 || trimmed(record[0]).empty() || trimmed(record[1]).empty())
      return Error{Code::kInvalidInput, "the labels' record \"" + record[0] + "\" is not of the form file,label",
                   "malformed_csv"};
    if (&record == &records->front() && is_heading(record)) continue;
    const std::string name(base_name(trimmed(record[0])));
    const std::string label(trimmed(record[1]));
    const auto [named, added] = labels.by_name_.try_emplace(name, label);
    if (!added && named->second != label)
      return Error{Code::kInvalidInput,
                   "the labels call \"" + name + "\" both \"" + named->second + "\" and \"" + label + "\"",
                   "two_labels"};
    const auto [stemmed, first] = labels.by_stem_.try_emplace(std::string(stem(name)), label);
    if (!first && stemmed->second != label) stemmed->second.clear();
  }
  return labels;
}

Result<Labels> Labels::read(const std::filesystem::path& file) {
  const auto csv = read_file(file);
  if (!csv) return csv.error();
  auto labels = parse(*csv);
  if (!labels) return Error{labels.error().code, file.string() + ": " + labels.error().message, labels.error().reason};
  return labels;
}

std::optional<std::string> Labels::of(std::string_view path) const {
  const std::string_view name = base_name(path);
  auto found = by_name_.find(name);
  if (found != by_name_.end()) return found->second;
  found = by_stem_.find(stem(name));
  if (found == by_stem_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

}  // namespace facefleet::tools
