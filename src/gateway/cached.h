// A value that is fetched at most once in a while, however many ask for it. Thread rule: base/task.h.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "gateway/tasks.h"

namespace facefleet::gateway {

template <class T>
class Cached : public std::enable_shared_from_this<Cached<T>> {
 public:
  using Fetch = std::function<Task<Result<T>>()>;

  Cached(Executor executor, const Clock& clock, std::shared_ptr<Tasks> tasks, Millis max_age, Fetch fetch)
      : executor_(std::move(executor)),
        clock_(clock),
        tasks_(std::move(tasks)),
        max_age_(max_age),
        fetch_(std::move(fetch)) {}

  // The last value, or null if there is none yet. Never waits: a value that is too old is refreshed for the next
  // caller.
  std::shared_ptr<const T> peek() {
    if (is_stale()) refresh();
    return value_;
  }

  // A value no older than max_age. A failed fetch is told to those who wait for it.
  Task<Result<std::shared_ptr<const T>>> get() {
    if (is_stale()) {
      auto waiter = std::make_shared<OneShot<Result<void>>>(executor_);
      waiters_.push_back(waiter);
      refresh();
      auto done = co_await waiter->wait_until(MonoTime::max());
      if (done && !*done) co_return done->error();
    }
    co_return value_;
  }

 private:
  bool is_stale() const { return !value_ || clock_.now() - fetched_at_ > max_age_; }

  void refresh() {
    if (std::exchange(fetching_, true)) return;
    tasks_->spawn("refresh", run(this->shared_from_this()));
  }

  static Task<> run(std::shared_ptr<Cached> self) {
    struct Ending {  // a cancelled fetch is an ended one
      Cached& cached;
      Result<void> outcome = Error{Code::kUnavailable, "The service is ending.", ""};
      ~Ending() {
        cached.fetching_ = false;
        for (const auto& waiter : std::exchange(cached.waiters_, {})) waiter->set(outcome);
      }
    } ending{*self};
    Result<T> fetched = co_await self->fetch_();
    if (!fetched) {
      ending.outcome = fetched.error();
      co_return;
    }
    self->value_ = std::make_shared<const T>(std::move(*fetched));
    self->fetched_at_ = self->clock_.now();
    ending.outcome = Result<void>();
  }

  Executor executor_;
  const Clock& clock_;
  std::shared_ptr<Tasks> tasks_;
  Millis max_age_;
  Fetch fetch_;
  std::shared_ptr<const T> value_;
  MonoTime fetched_at_;
  bool fetching_ = false;
  std::vector<std::shared_ptr<OneShot<Result<void>>>> waiters_;
};

}  // namespace facefleet::gateway
