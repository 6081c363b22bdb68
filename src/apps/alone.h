// What gateway, worker and autoscaler have in common on the command line: they belong to the system of a data folder,
// as `up` starts them, or to the one that a profile names, anywhere, and then reach it at AWS or whatever speaks the
// same.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/place.h"
#include "base/result.h"
#include "config/profile.h"

namespace facefleet::apps {

struct RoleFlags {
  std::string profile;  // empty: that of the system in `data`
  std::vector<std::string> set;
  std::string data = default_data_dir().string();
};

// Declares --profile, --set and --data on `app`; `flags` must outlive it.
void add_role_flags(CLI::App& app, RoleFlags& flags);

struct Place {
  config::Profile profile;
  std::filesystem::path data_dir;  // caches, API keys and what the role announces
  bool alone = false;              // no `up` has made queues, buckets and pool
};

// The profile and the folder, which is made if it is missing. kInvalidInput or kNotFound with a sentence.
Result<Place> settle_place(const RoleFlags& flags);

// As settle_place, for a role that must know the fleet's cap: elsewhere "one a core" says nothing.
Result<Place> settle_place_with_cap(const RoleFlags& flags);

}  // namespace facefleet::apps
