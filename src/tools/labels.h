// Whose photo it is, from a CSV file of `file,label` lines. Pure values.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace facefleet::tools {

// `test_001.final.jpg` -> `test_001`: up to the first dot; the whole name if it begins with one.
std::string_view stem(std::string_view name);

// What follows the last '/'.
std::string_view base_name(std::string_view path);

class Labels {
 public:
  // kInvalidInput names the record that has no label, or the file that has two.
  static Result<Labels> parse(std::string_view csv);
  static Result<Labels> read(const std::filesystem::path& file);

  // The label of a photo: by its base name, else by its stem, where that stem has one label only.
  std::optional<std::string> of(std::string_view path) const;

 private:
  std::map<std::string, std::string, std::less<>> by_name_, by_stem_;  // an empty label: several
};

}  // namespace facefleet::tools
