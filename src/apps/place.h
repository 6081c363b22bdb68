// Where things are: the folder of profiles and model cards, the models' files, a system's data folder, its queues and
// buckets.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "config/profile.h"
#include "jobs/job.h"

namespace facefleet::apps {

// Holds profiles/ and models/: $FACEFLEET_SHARE, else ../share/facefleet beside the binary, else the source tree that
// it was built from.
std::filesystem::path share_dir();

// Holds the models' files: $FACEFLEET_MODELS, else models/ under where `./dev build` fetched them.
std::filesystem::path model_files_dir();

// Photos with clear terms that `up --demo` enrols: $FACEFLEET_TESTPHOTOS, else where `./dev build` fetched them.
std::filesystem::path test_photos_dir();

// $FACEFLEET_DATA, else ./facefleet-data.
std::filesystem::path default_data_dir();

// `name_or_file` ends in .toml or holds a '/': a file; else profiles/<name>.toml. kNotFound lists the names there are.
Result<config::Loaded> load_profile_by_name(const std::string& name_or_file);

// The profile that the running (or last) system of `data_dir` uses.
Result<config::Loaded> load_profile_of(const std::filesystem::path& data_dir);
inline std::filesystem::path profile_file(const std::filesystem::path& data_dir) { return data_dir / "profile.toml"; }

// What the queues and buckets of a profile's system are called.
jobs::Names names_of(const config::Profile& profile);

// Compiled models, shared by everything of one user: they depend on models and machine only.
std::filesystem::path model_cache_dir(const std::filesystem::path& data_dir);

}  // namespace facefleet::apps
