// A service process that `up` keeps running: the gateway, the autoscaler. Started, adopted if it outlived an earlier
// `up`, started again with back-off when it dies. (Workers are not kept running: the fleet owns those.)
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/task.h"
#include "fleet/backends/process.h"

namespace facefleet::apps {

class Child {
 public:
  // Thread rule: base/task.h. `on_change` is called whenever the pid changes.
  Child(std::string name, fleet::Command command, Log log, std::function<void()> on_change)
      : name_(std::move(name)), command_(std::move(command)), log_(std::move(log)), on_change_(std::move(on_change)) {}

  // Ends a process of the same command line that an earlier `up` left behind; for when it was given other settings.
  static Task<> end_left_behind(const fleet::Command& command);

  // Keeps the process running until stop(). Fails if the process ends with kExitRefused: starting it again would too.
  Task<Result<void>> supervise();

  // Sends `signal`; the process is not started again. supervise() returns once it has ended.
  void stop(int signal);

  std::optional<int> pid() const { return process_ ? std::optional<int>(process_->pid) : std::nullopt; }

 private:
  Task<std::string> wait_for_end();

  const std::string name_;
  const fleet::Command command_;
  Log log_;
  std::function<void()> on_change_;
  std::optional<fleet::Process> process_;
  bool stopping_ = false;
};

}  // namespace facefleet::apps
