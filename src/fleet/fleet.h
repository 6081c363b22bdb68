// A Fleet is a capped set of worker instances: processes on this machine, or EC2 instances.
// Instances have EC2's states and names. Every launch, whoever asks, goes through the one Fleet of a
// machine, which enforces the cap: pending + running + stopping instances never exceed it.
//
// Every backend passes fleet_contract.h. Thread rule: base/task.h. Backends: backends/{process,ec2}.
#pragma once

#include <cstdint>
#include <map>
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

// What a running worker says of itself.
enum class WorkerState { kUnknown, kStarting, kIdle, kBusy, kDraining };
std::string_view to_string(WorkerState state);  // "unknown", "starting", …

struct Instance {
  std::string id;    // "i-" and 17 hex digits
  std::string name;  // the tag Name, e.g. "app-tier-instance-3"
  InstanceState state = InstanceState::kPending;
  std::string state_reason;  // why it is where it is, for people: "exited with status 3", …
  WorkerState worker = WorkerState::kUnknown;
  std::int64_t launched_ms = 0;      // wall clock
  std::int64_t state_since_ms = 0;   // wall clock
  std::int64_t worker_since_ms = 0;  // wall clock: since when `worker` holds
  std::int64_t jobs_done = 0;
  int pid = 0;                              // process backend, while there is one
  std::map<std::string, std::string> tags;  // without Name
};

class Fleet {
 public:
  virtual ~Fleet() = default;

  // All instances, terminated ones for a while after (an hour on EC2), oldest first.
  virtual Task<Result<std::vector<Instance>>> list() = 0;

  // Launches between 1 and `count` new instances, as many as the cap allows, and returns them (pending).
  // kBusy, with reason `capacity`, if the cap allows none.
  virtual Task<Result<std::vector<Instance>>> launch(std::uint32_t count) = 0;

  // Drains, then ends them. Idempotent; kNotFound if any id is unknown, and then nothing is done.
  virtual Task<Result<void>> terminate(std::vector<std::string> ids) = 0;

  virtual std::uint32_t cap() const = 0;
};

}  // namespace facefleet::fleet
