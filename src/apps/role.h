// What each process of the service has, and how it lives: an I/O thread, and an orderly end on SIGTERM.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::apps {

// Exit statuses that whoever started the process may act on.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitRefused = 2;  // the same start would fail again: bad flags, a taken port, a missing model

struct Role {
  explicit Role(std::string_view name) : log(name) {}
  Log log;
  SystemClock clock;
  SystemRandom random;
  asio::io_context context{1};  // last: what runs on it goes first
};

// Runs `body` on the role's I/O thread until it returns. SIGTERM and SIGINT call `stop`, once, on that thread: `body`
// is then expected to end. Prints an error as a sentence; returns the exit status.
int run_role(Role& role, Task<Result<void>> body, std::function<void()> stop);

// Prints `error` as the command line shows it and returns kExitRefused.
int refuse(const Error& error);

}  // namespace facefleet::apps
