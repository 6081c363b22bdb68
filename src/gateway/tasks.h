// Coroutines that run beside the requests, and end together. Thread rule: base/task.h.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/task.h"

namespace facefleet::gateway {

class Tasks : public std::enable_shared_from_this<Tasks> {
 public:
  Tasks(Executor executor, Log log) : executor_(std::move(executor)), log_(std::move(log)), all_ended_(executor_) {}

  // Starts `task`; the closure of `task` must own what it uses. An exception other than cancellation is logged as the
  // bug that it is.
  void spawn(std::string name, Task<> task);

  void cancel();
  // Returns once all have ended; those that have not at `deadline` are cancelled.
  Task<> join(MonoTime deadline = MonoTime::max());

 private:
  struct Running;
  Executor executor_;
  Log log_;
  std::list<std::shared_ptr<Running>> running_;
  asio::steady_timer all_ended_;
};

}  // namespace facefleet::gateway
