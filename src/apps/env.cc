// facefleet env: what a shell needs so that aws, boto3 and SDKs reach the local cloud.
#include <cstdio>
#include <string>

#include "apps/command.h"
#include "apps/place.h"
#include "apps/role.h"
#include "base/file.h"

namespace facefleet::apps {
namespace {

// A value inside single quotes, safe for a POSIX shell whatever it holds.
std::string shell_quoted(std::string_view value) {
  std::string text = "'";
  for (const char c : value) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

int print_environment(const std::filesystem::path& data_dir) {
  auto text = read_file(data_dir / "cloud.env");
  if (!text)
    return refuse({Code::kNotFound,
                   "there is no system in " + data_dir.string() +
                       "; start one with `facefleet up`, or name its folder with --data",
                   ""});
  std::string_view left = *text;
  while (!left.empty()) {
    const auto end = left.find('\n');
    const std::string_view line = left.substr(0, end);
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    std::printf("export %s=%s\n", std::string(line.substr(0, equals)).c_str(),
                shell_quoted(line.substr(equals + 1)).c_str());
  }
  return 0;
}

}  // namespace

Command add_env(CLI::App& root) {
  auto data = std::make_shared<std::string>(default_data_dir());
  CLI::App* app =
      root.add_subcommand("env", "print the local cloud's endpoint and credentials: eval \"$(facefleet env)\"");
  app->add_option("--data", *data, "the system's data folder")->capture_default_str();
  return {app, [data] { return print_environment(*data); }};
}

}  // namespace facefleet::apps
