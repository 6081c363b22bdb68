// One timer for many deadlines: a timer for each read and write would cost more than the read.
// Private to this room. Thread rule: base/task.h.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/task.h"

namespace facefleet::net {

class DeadlineSweep {
 public:
  // Deals with what is due at `now` and returns the earliest deadline that is left, MonoTime::max() if none.
  using Expire = std::function<MonoTime(MonoTime now)>;

  DeadlineSweep(const Executor& executor, Expire expire);
  ~DeadlineSweep();
  DeadlineSweep(const DeadlineSweep&) = delete;
  DeadlineSweep& operator=(const DeadlineSweep&) = delete;

  // Promises a sweep at `deadline` or up to 10 ms later. Costs nothing where an earlier one is promised.
  void arm(MonoTime deadline);

  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace facefleet::net
