// How a worker asks its neighbours, which may be away for a while. Thread rule: base/task.h.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <type_traits>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::worker {

class Patience {
 public:
  // `pause`: after the first failure, and growing; `longest`: with one thing that fails.
  Patience(Millis pause, Millis longest, const Clock& clock, Log log)
      : pause_(pause), longest_(longest), clock_(clock), log_(std::move(log)) {}

  // Asks until it is answered: an outage passes, and the job stays leased meanwhile. Were it given back, each failure
  // would count as a delivery, and every photo of an outage would become poison. A worker that leaves does give back,
  // and so does one whose patience is at an end: what lasts so long may be this job's alone.
  template <class Ask>
  std::invoke_result_t<Ask> ask(Ask question) {
    constexpr int kGrowth = 16;  // of the pause, at most
    const MonoTime end = clock_.now() + longest_;
    for (Millis length = pause_;; length = std::min(2 * length, kGrowth * pause_)) {
      auto answered = co_await question();
      if (answered || !passes(answered.error().code) || ended_ || clock_.now() >= end) co_return answered;
      log_.warn("a neighbour failed; trying again", {{"why", answered.error().message}});
      co_await pause(length);
    }
  }

  // Waits so long, or until the worker is to leave.
  Task<> pause(Millis length) {
    if (ended_) co_return;
    const auto timer = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, length);
    const auto place = pauses_.insert(pauses_.end(), timer);
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    pauses_.erase(place);
  }

  // The worker is to leave: nothing is asked again, and pauses end.
  void end() {
    ended_ = true;
    for (const auto& timer : pauses_) timer->cancel();
  }

 private:
  // Whether what failed so may succeed later, whatever the job.
  static bool passes(Code code) { return code == Code::kUnavailable || code == Code::kTimedOut || code == Code::kBusy; }

  const Millis pause_, longest_;
  const Clock& clock_;
  const Log log_;
  std::list<std::shared_ptr<asio::steady_timer>> pauses_;  // under way
  bool ended_ = false;
};

}  // namespace facefleet::worker
