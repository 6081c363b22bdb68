// What a worker tells its fleet about itself. One instance a worker process.
//
// On one machine this is a small file that the worker maps and the process fleet reads: a state change
// costs a few stores, no system call. Elsewhere it is tags. Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "fleet/fleet.h"

namespace facefleet::fleet {

class Self {
 public:
  virtual ~Self() = default;
  virtual const std::string& instance_id() const = 0;
  virtual void report(WorkerState state, std::int64_t jobs_done) = 0;
};

// Maps (creating it if need be) the status file that `up` names in the worker's command line.
Result<std::unique_ptr<Self>> open_status_file(const std::filesystem::path& path, std::string instance_id,
                                               const Clock& clock);

// Tells by tags of its own instance, as a fleet that cannot look into its instances reads them: facefleet:worker,
// facefleet:worker-since, facefleet:jobs-done. A change is told at once, but one call at a time and none within
// `pause` of the last; what changes meanwhile is told together then. `fleet` must outlive it.
std::unique_ptr<Self> open_tag_self(const Executor& executor, Fleet& fleet, std::string instance_id, const Clock& clock,
                                    Log log, Millis pause = Millis{5'000});

struct Status {
  WorkerState state = WorkerState::kUnknown;
  std::int64_t since_ms = 0;
  std::int64_t jobs_done = 0;
};

// Reads what a worker last reported; kUnknown if there is no such file yet.
Status read_status_file(const std::filesystem::path& path);

}  // namespace facefleet::fleet
