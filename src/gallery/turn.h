// Lets one coroutine at a time pass, in order of arrival.
#pragma once

#include <list>
#include <memory>
#include <utility>

#include "base/task.h"

namespace facefleet::gallery {

// Thread rule: base/task.h. Must outlive its passes and whoever waits for one.
class Turn {
 public:
  // Held until destroyed.
  class Pass {
   public:
    explicit Pass(Turn& turn) : turn_(&turn) {}
    Pass() = default;
    Pass(Pass&& other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(turn_, other.turn_);
      return *this;
    }
    ~Pass() {
      if (turn_ != nullptr) turn_->leave();
    }

   private:
    Turn* turn_ = nullptr;
  };

  // Cancellation while waiting throws, as Asio's own operations do.
  Task<Pass> take() {
    if (!taken_) {
      taken_ = true;
      co_return Pass(*this);
    }
    const Executor executor = co_await asio::this_coro::executor;
    Place place(waiting_, executor);
    co_await place.called.wait_until(std::chrono::steady_clock::time_point::max());
    co_return Pass(*this);
  }

 private:
  // A place in the queue, given up however the wait ends.
  struct Place {
    Place(std::list<Place*>& places, const Executor& executor)
        : called(executor), queue(places), at(queue.insert(queue.end(), this)) {}
    ~Place() { queue.erase(at); }
    OneShot<bool> called;
    std::list<Place*>& queue;
    std::list<Place*>::iterator at;
  };

  void leave() {
    for (Place* place : waiting_)
      if (place->called.set(true)) return;
    taken_ = false;
  }

  bool taken_ = false;
  std::list<Place*> waiting_;
};

}  // namespace facefleet::gallery
