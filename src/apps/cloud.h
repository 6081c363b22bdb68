// The local cloud as `up` and `localcloud` run it: the engine that a data folder holds, and the AWS doors over it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/role.h"
#include "apps/system.h"
#include "base/database.h"
#include "fleet/fleet.h"
#include "localcloud/localcloud.h"
#include "queue/queue.h"
#include "store/local_store.h"
#include "table/tables.h"

namespace facefleet::apps {

// Members in the order in which they are made; they go in the opposite one.
struct Engine {
  std::unique_ptr<Database> database;
  std::unique_ptr<queue::Queues> queues;
  std::unique_ptr<store::LocalStore> store;
  std::unique_ptr<table::Tables> tables;
};

// kConflict, with a sentence, if another process has `data_dir`: its lock dies with the process that holds it.
Result<Engine> open_engine(Role& role, const std::filesystem::path& data_dir);

struct CloudSettings {
  std::string listen;  // host:port; port 0: the one of an earlier start if that is free, else any
  std::string region;
  std::string auth = "strict";                                         // or "any": whatever key a tool brings
  std::function<std::vector<fleet::Instance>()> other_instances = {};  // as in localcloud::Parts
};

// What --cloud-auth may say.
inline constexpr const char* kAuthHelp =
    "strict: the key of cloud.env; any: whatever key a tool brings (loopback only)";

struct Cloud {
  std::unique_ptr<localcloud::LocalCloud> doors;
  CloudEnv env;
};

// The doors, listening, and DIR/cloud.env saying where and with which key. kInvalidInput beyond loopback.
Result<Cloud> open_cloud(Role& role, const Engine& engine, fleet::Fleet* fleet, const std::filesystem::path& data_dir,
                         const CloudSettings& settings);

// Makes `folder`, whose contents are nobody else's business, and returns its absolute path.
Result<std::filesystem::path> make_data_dir(const std::string& folder);

}  // namespace facefleet::apps
