#include "apps/place.h"

#include <algorithm>
#include <cstdlib>

namespace facefleet::apps {
namespace {

namespace fs = std::filesystem;

fs::path from_environment(const char* name, const fs::path& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? fs::path(value) : otherwise;
}

}  // namespace

fs::path share_dir() {
  std::error_code ignored;
  const fs::path beside =
      fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path() / "share" / "facefleet";
  return from_environment("FACEFLEET_SHARE",
                          fs::exists(beside / "models", ignored) ? beside : fs::path(FACEFLEET_SOURCE_DIR));
}

fs::path model_files_dir() { return from_environment("FACEFLEET_MODELS", fs::path(FACEFLEET_DEPS_DIR) / "models"); }

fs::path test_photos_dir() {
  return from_environment("FACEFLEET_TESTPHOTOS", fs::path(FACEFLEET_DEPS_DIR) / "testphotos");
}

fs::path default_data_dir() { return from_environment("FACEFLEET_DATA", "facefleet-data"); }

fs::path model_cache_dir(const fs::path& data_dir) { return data_dir / "cache" / "models"; }

Result<config::Loaded> load_profile_by_name(const std::string& name_or_file) {
  if (name_or_file.ends_with(".toml") || name_or_file.find('/') != std::string::npos)
    return config::load_profile(name_or_file);
  const fs::path folder = share_dir() / "profiles";
  const fs::path file = folder / (name_or_file + ".toml");
  std::error_code failed;
  if (fs::exists(file, failed)) return config::load_profile(file);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder, failed)) names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return Error{Code::kNotFound,
               "there is no profile `" + name_or_file + "` in " + folder.string() + "; there are " + list +
                   "; a file of your own must end in .toml",
               "no_such_profile"};
}

Result<config::Loaded> load_profile_of(const fs::path& data_dir) {
  std::error_code failed;
  if (!fs::exists(profile_file(data_dir), failed))
    return Error{Code::kNotFound,
                 "there is no system in " + data_dir.string() + "; start one with `facefleet up --data " +
                     data_dir.string() + "`",
                 "no_system"};
  return config::load_profile(profile_file(data_dir));
}

jobs::Names names_of(const config::Profile& profile) {
  return jobs::Names(profile.id, {profile.names_request_queue, profile.names_response_queue, profile.names_in_bucket,
                                  profile.names_out_bucket});
}

}  // namespace facefleet::apps
