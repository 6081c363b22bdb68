// Runs several coroutines at the same time. Thread rule: base/task.h.
#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cstddef>
#include <utility>

#include "base/task.h"

namespace facefleet::tools {

// `count` tasks that `make()` gives; returns when all have ended. `make` must outlive that. A task that throws, and
// cancellation, cancel the others.
template <class Make>
Task<> together(std::size_t count, Make& make) {
  if (count <= 1) {
    co_await make();
    co_return;
  }
  using asio::experimental::awaitable_operators::operator&&;
  Task<> some = together(count / 2, make);
  Task<> rest = together(count - count / 2, make);
  co_await (std::move(some) && std::move(rest));
}

}  // namespace facefleet::tools
