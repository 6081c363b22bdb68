#include "aws/profile_files.h"

#include <boost/property_tree/ini_parser.hpp>
#include <boost/property_tree/ptree.hpp>
#include <sstream>

#include "base/file.h"

namespace facefleet::aws {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// INI knows no settings below others: names an indented line by the unindented one before it. Below a setting that has
// a value of its own, an indented line goes on with that value; none that is read here is so long.
std::string unnested(std::string_view text) {
  std::string out;
  std::string parent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const std::string_view inside = trimmed(line);
    const bool nested = !inside.empty() && kBlanks.find(line.front()) != std::string_view::npos;
    if (inside.empty() || inside.front() == '#' || inside.front() == ';') {
      continue;
    } else if (!nested) {
      const std::size_t equals = inside.find('=');
      const bool is_parent =
          inside.front() != '[' && equals != std::string_view::npos && trimmed(inside.substr(equals + 1)).empty();
      parent = is_parent ? trimmed(inside.substr(0, equals)) : std::string_view();
      if (!is_parent) out.append(inside).append("\n");
    } else if (!parent.empty()) {
      out.append(parent).append(".").append(inside).append("\n");
    }
  }
  return out;
}

std::filesystem::path path_of(const Environment& environment, const std::string& variable, const char* otherwise) {
  std::string path = environment(variable);
  if (path.empty()) path = otherwise;
  if (path.starts_with("~/")) return std::filesystem::path(environment("HOME")) / path.substr(2);
  return path;
}

// The sections of a file that need not be there.
Result<std::map<std::string, Settings>> load(const std::filesystem::path& path) {
  const auto text = read_file(path);
  if (!text && text.error().code == Code::kNotFound) return std::map<std::string, Settings>();
  if (!text) return Error{Code::kInvalidInput, text.error().message, "profile_file"};
  auto sections = parse_profile_file(*text);
  if (!sections) return Error{Code::kInvalidInput, path.string() + ": " + sections.error().message, "profile_file"};
  return sections;
}

// Takes over what `into` does not have, each name behind `prefix`.
void add(Settings& into, const Settings& from, const std::string& prefix = "") {
  for (const auto& [name, value] : from) into.try_emplace(prefix + name, value);
}

}  // namespace

Result<std::map<std::string, Settings>> parse_profile_file(std::string_view text) {
  namespace tree = boost::property_tree;
  std::istringstream lines(unnested(text));
  tree::ptree sections;
  try {
    tree::read_ini(lines, sections);
  } catch (const tree::ini_parser_error& failed) {
    return Error{Code::kInvalidInput,
                 failed.message() + " (setting " + std::to_string(failed.line()) + ", comments not counted)",
                 "profile_file"};
  }
  std::map<std::string, Settings> out;
  for (const auto& [title, section] : sections) {
    std::string name = title;
    std::erase(name, '"');  // [profile "with a blank"]
    name = trimmed(name);
    for (const auto& [setting, value] : section) out[name].try_emplace(setting, value.data());
  }
  return out;
}

std::string AwsProfile::get(std::string_view setting) const {
  const auto found = settings.find(setting);
  return found == settings.end() ? "" : found->second;
}

Result<AwsProfile> load_profile(const Environment& environment) {
  AwsProfile profile;
  profile.config_file = path_of(environment, "AWS_CONFIG_FILE", "~/.aws/config");
  profile.credentials_file = path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
  std::string named = environment("AWS_PROFILE");
  if (named.empty()) named = environment("AWS_DEFAULT_PROFILE");
  profile.name = named.empty() ? "default" : named;
  auto config = load(profile.config_file);
  if (!config) return config.error();
  auto credentials = load(profile.credentials_file);
  if (!credentials) return credentials.error();
  auto of_config = config->find("profile " + profile.name);
  if (of_config == config->end() && profile.name == "default") of_config = config->find(profile.name);
  const auto of_credentials = credentials->find(profile.name);
  if (!named.empty() && of_config == config->end() && of_credentials == credentials->end())
    return Error{Code::kInvalidInput,
                 "AWS_PROFILE names the profile '" + named + "', which is neither in " + profile.config_file.string() +
                     " nor in " + profile.credentials_file.string() + ".",
                 "no_profile"};
  if (of_credentials != credentials->end()) add(profile.settings, of_credentials->second);
  if (of_config != config->end()) add(profile.settings, of_config->second);
  const auto services = config->find("services " + profile.get("services"));
  if (services != config->end()) add(profile.settings, services->second, "services.");
  return profile;
}

}  // namespace facefleet::aws
