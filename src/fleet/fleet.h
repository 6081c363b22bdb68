// A Fleet is a capped set of worker instances: processes on this machine, or EC2 instances.
// Instances have EC2's states and names. Every launch, whoever asks, goes through the one Fleet of a
// machine, which enforces the cap: pending + running + stopping + shutting-down instances never exceed it. Stopped ones
// cost nothing and are not counted; the cap is looked at again when they start.
//
// Every backend passes fleet_contract.h. Thread rule: base/task.h. Backends: backends/{process,ec2}.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace facefleet::fleet {

// EC2's state machine and its codes. A stopping or shutting-down instance drains: it finishes what it
// has leased, takes nothing new, then ends.
enum class InstanceState {
  kPending = 0,
  kRunning = 16,
  kShuttingDown = 32,
  kTerminated = 48,
  kStopping = 64,
  kStopped = 80,
};
std::string_view to_string(InstanceState state);  // "pending", "running", "shutting-down", …
// Whether the cap counts an instance in that state.
bool takes_room(InstanceState state);

// What a running worker says of itself.
enum class WorkerState { kUnknown, kStarting, kIdle, kBusy, kDraining };
std::string_view to_string(WorkerState state);  // "unknown", "starting", …

using Tags = std::map<std::string, std::string>;

struct Instance {
  std::string id;    // "i-" and 17 hex digits
  std::string name;  // the tag Name, e.g. "app-tier-instance-3"; empty if it has none
  InstanceState state = InstanceState::kPending;
  std::string state_reason;  // why it is where it is, for people: "exited with status 3", …
  WorkerState worker = WorkerState::kUnknown;
  std::int64_t launched_ms = 0;      // wall clock
  std::int64_t state_since_ms = 0;   // wall clock
  std::int64_t worker_since_ms = 0;  // wall clock: since when `worker` holds
  std::int64_t jobs_done = 0;
  int pid = 0;                 // process backend, while there is one
  Tags tags;                   // without Name
  std::string image_id, type;  // as it was launched with; empty if that is not known
};

// What launch() is asked for.
struct Launch {
  std::uint32_t count = 1;     // at most so many
  std::uint32_t at_least = 1;  // fewer than so many, and there are none
  // Not empty: as long as an instance that it launched is listed, a launch with the same token launches nothing and
  // returns those instances as they are now.
  std::string token;
  Tags tags;                   // Name may be among them; else, or where it is the fleet's prefix alone, names are given
  std::string image_id, type;  // which the process backend only remembers

  bool operator==(const Launch&) const = default;
};

class Fleet {
 public:
  virtual ~Fleet() = default;

  // All instances, terminated ones for a while after (an hour on EC2), oldest first.
  virtual Task<Result<std::vector<Instance>>> list() = 0;

  // Launches between `at_least` and `count` new instances, as many as the cap allows, and returns them (pending).
  // kBusy, with reason `capacity`, if the cap allows fewer; kConflict, with reason `token`, if the token was used
  // with other terms.
  virtual Task<Result<std::vector<Instance>>> launch(Launch launch) = 0;
  // Between 1 and `count`, on no other terms.
  Task<Result<std::vector<Instance>>> launch(std::uint32_t count) {
    Launch plain;
    plain.count = count;
    return launch(std::move(plain));
  }

  // Each of the next three does all that it is asked or nothing: kNotFound if any id is unknown. What is on its way
  // there already, or there, stays as it is. kConflict, with reason `state`, if any instance is in a state from which
  // it cannot get there.

  // stopped -> pending -> running; a running or pending one is left alone. kBusy, with reason `capacity`, if the cap
  // does not allow all.
  virtual Task<Result<void>> start(std::vector<std::string> ids) = 0;

  // running -> stopping -> stopped: drains, keeps id, name and tags. kConflict of a pending, shutting-down or
  // terminated one.
  virtual Task<Result<void>> stop(std::vector<std::string> ids) = 0;

  // Drains, then ends them for good.
  virtual Task<Result<void>> terminate(std::vector<std::string> ids) = 0;

  // Sets tags of all `ids`; Name is one. kInvalidInput, with reason `tag_limit`, if one would have more than
  // limits::kInstanceTags, and then none is set.
  virtual Task<Result<void>> create_tags(std::vector<std::string> ids, Tags tags) = 0;

  // Removes tags of these keys; where a value is given, only those that have it.
  virtual Task<Result<void>> delete_tags(std::vector<std::string> ids,
                                         std::map<std::string, std::optional<std::string>> keys) = 0;

  virtual std::uint32_t cap() const = 0;

  // As workers leave: those of a `pool` are stopped, to be started again, the others terminated.
  Task<Result<void>> dismiss(std::vector<std::string> ids, bool pool) {
    return pool ? stop(std::move(ids)) : terminate(std::move(ids));
  }
};

}  // namespace facefleet::fleet
