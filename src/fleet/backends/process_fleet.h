// A Fleet of worker processes on this machine: the only code of the program that starts one.
//
// Workers outlive their owner: nothing ties them to it, and what is needed to know them again lies in `folder`, one
// small file each, so that a restarted owner adopts those that still run and notices those that died. A dead worker is
// not restarted; its instance becomes terminated, or, if it belongs to the pool, stopped, with the reason.
// Thread rule: base/task.h.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "fleet/fleet.h"

namespace facefleet::fleet {

// What is executed for one instance. The status file's path must be among the arguments or the environment, for the
// worker to report to (fleet/self.h); the instance id among the arguments, so that a process can be told from
// another's.
struct Command {
  std::filesystem::path program;
  std::vector<std::string> arguments;    // the first is the name that the process goes by
  std::vector<std::string> environment;  // NAME=value, added to this process's own environment or replacing there
};

struct ProcessOptions {
  std::filesystem::path folder;  // created if need be; one ProcessFleet at a time, its owner sees to that
  std::uint32_t cap = 1;
  std::string name_prefix = "app-tier-instance-";  // then the lowest number, from 1, that no instance has
  std::uint32_t pool = 0;                          // so many stopped instances, 1 to pool, are there from the start
  Millis start_delay{0};                           // an instance stays pending so long, as EC2's do
  Millis stop_grace{30'000};                       // from SIGTERM to SIGKILL
  Millis terminated_kept{600'000};                 // a terminated instance stays listed; the newest 64 at most
  std::function<Command(const std::string& instance_id, const std::filesystem::path& status_file)> command;
  // Called once for each instance whose process has ended, however it ended.
  std::function<void(const std::string& instance_id)> on_exit;
};

class ProcessFleet : public Fleet {
 public:
  // Adopts what `folder` names and still runs, and makes those instances of the pool that are missing. The process's
  // other descriptors are closed in its workers.
  static Result<std::unique_ptr<ProcessFleet>> open(const Executor& executor, ProcessOptions options,
                                                    const Clock& clock, Random& random, Log log);

  // Drains all workers (those of the pool are then stopped, the others terminated), kills those that still run at
  // `deadline`, and returns once none is left. Launches nothing more.
  virtual Task<> end_all(MonoTime deadline) = 0;
};

}  // namespace facefleet::fleet
