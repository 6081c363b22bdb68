// Input: a file of profiles, as ~/.aws/config. What is checked beside crashes: a refusal says why; and what was read,
// written plainly and read again, is the same.
#include <algorithm>
#include <cstdint>
#include <string>

#include "aws/profile_files.h"
#include "check.h"

using facefleet::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facefleet::aws;
  const auto sections = parse_profile_file({reinterpret_cast<const char*>(data), size});
  if (!sections) {
    check(!sections.error().message.empty(), "a refusal says why");
    return 0;
  }
  std::string plain;
  for (const auto& [name, settings] : *sections) {
    check(!settings.empty(), "a section has settings");
    plain += "[" + name + "]\n";
    for (const auto& [setting, value] : settings) {
      check(setting.find('\n') == std::string::npos && value.find('\n') == std::string::npos, "a setting is a line");
      plain += setting + " = " + value + "\n";
    }
#ifdef FACEFLEET_FUZZ_CANARY
    check(!settings.contains("sqs.a"), "planted bug");
#endif
  }
  // An empty value would make a parent of its setting.
  const auto has_empty = [](const auto& section) {
    return std::any_of(section.second.begin(), section.second.end(),
                       [](const auto& one) { return one.second.empty(); });
  };
  if (std::any_of(sections->begin(), sections->end(), has_empty)) return 0;
  const auto again = parse_profile_file(plain);
  check(again && *again == *sections, "what was written reads the same");
  return 0;
}
