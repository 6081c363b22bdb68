// Which system a command works on: one that runs, through its HTTP API, or one that is down, in its data folder.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "apps/role.h"
#include "base/database.h"
#include "base/result.h"
#include "config/profile.h"
#include "gallery/gallery.h"
#include "store/object_store.h"
#include "tools/api_client.h"

namespace facefleet::apps {

struct TargetFlags {
  std::string url = "http://127.0.0.1:8000";
  std::string key;
  std::string data;  // empty: speak to the URL
};

// --url, --key (or $FACEFLEET_KEY), --data.
void add_target_flags(CLI::App& app, TargetFlags& flags);

// A client of the running system, after a look whether it is there.
Task<Result<std::unique_ptr<tools::ApiClient>>> open_running(const TargetFlags& flags);

// The galleries of a data folder, held for this process alone. Members go in the opposite order.
struct StoppedSystem {
  config::Profile profile;  // the system's, or the default one before its first start
  std::unique_ptr<Database> database;
  std::unique_ptr<store::ObjectStore> store;
  std::unique_ptr<gallery::Galleries> galleries;
};
// kConflict, with a sentence, if the system runs. `role` must outlive it.
Result<StoppedSystem> open_stopped(Role& role, const std::filesystem::path& data_dir);

// Runs `body` on the role's I/O thread to its end, or until SIGINT or SIGTERM; returns the exit status that it gives,
// kExitFailed if it was interrupted.
int run_command(Role& role, Task<int> body);

// Prints `error` as a sentence; for what goes wrong on the way, where another try may succeed.
int fail(const Error& error);

}  // namespace facefleet::apps
