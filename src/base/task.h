// Coroutines, as every room uses them.
//
// Thread rule of the whole program: a process has one I/O thread, which runs one io_context. Every
// interface that returns a Task is called on that thread, and resumes on it. Blocking work (fsync,
// neural networks) happens on threads that a backend owns and never shows.
//
// gcc 12 destroys temporaries of a co_await expression twice in some forms (GCC bugs 99576, 102489):
// name the arguments of an awaited call that own memory, and do not put co_await inside ?: or {…}.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace facefleet {

namespace asio = boost::asio;

template <class T = void>
using Task = asio::awaitable<T>;

using Executor = asio::any_io_executor;

// A value that one coroutine waits for and another (on the same I/O thread) supplies, once.
// Not thread-safe: from another thread, asio::post a call of set() to the I/O thread.
// Waiting honours Asio's per-operation cancellation: a cancelled wait throws, as Asio's own do.
template <class T>
class OneShot {
 public:
  explicit OneShot(const Executor& executor) : timer_(executor) {}

  // The first value wins; later ones are dropped. Returns whether this one was taken.
  bool set(T value) {
    if (value_) return false;
    value_.emplace(std::move(value));
    timer_.cancel();
    return true;
  }

  bool is_set() const { return value_.has_value(); }

  // The value, or nothing once `deadline` has passed. At most one waiter.
  Task<std::optional<T>> wait_until(std::chrono::steady_clock::time_point deadline) {
    if (!value_) {
      timer_.expires_at(deadline);
      boost::system::error_code ignored;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
      if (!value_ && state.cancelled() != asio::cancellation_type::none)
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    std::optional<T> out;
    out.swap(value_);
    co_return out;
  }

 private:
  asio::steady_timer timer_;
  std::optional<T> value_;
};

// Suspends for `duration`; ends early, by throwing operation_aborted, when cancelled.
inline Task<> sleep_for(std::chrono::steady_clock::duration duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace facefleet
