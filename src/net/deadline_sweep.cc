#include "net/deadline_sweep.h"

#include <algorithm>

namespace facefleet::net {
namespace {
// Deadlines this close together share a sweep, so that many cost no more than 100 sweeps a second.
constexpr Millis kGrain{10};
}  // namespace

struct DeadlineSweep::State : std::enable_shared_from_this<DeadlineSweep::State> {
  State(const Executor& executor, Expire on_due) : timer(executor), expire(std::move(on_due)) {}

  void arm(MonoTime deadline) {
    if (deadline >= armed_for) return;
    armed_for = deadline;
    timer.expires_at(deadline);
    timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
      const auto state = weak.lock();
      if (!error && state) state->sweep();
    });
  }

  void sweep() {
    if (!expire) return;
    armed_for = MonoTime::max();
    const MonoTime now = clock.now();
    const MonoTime next = expire(now);
    if (next != MonoTime::max()) arm(std::max(next, now + kGrain));
  }

  asio::steady_timer timer;
  Expire expire;
  SystemClock clock;  // Asio's timers know no other
  MonoTime armed_for = MonoTime::max();
};

DeadlineSweep::DeadlineSweep(const Executor& executor, Expire expire)
    : state_(std::make_shared<State>(executor, std::move(expire))) {}

DeadlineSweep::~DeadlineSweep() { stop(); }

void DeadlineSweep::arm(MonoTime deadline) {
  if (state_->expire) state_->arm(deadline);
}

void DeadlineSweep::stop() {
  state_->expire = nullptr;
  state_->timer.cancel();
}

}  // namespace facefleet::net
