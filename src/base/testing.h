// For tests only: coroutines run to their end, folders that vanish with the test, processes that are
// killed.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/task.h"

namespace facefleet {

// What EXPECT_TRUE(result) prints of a failure.
inline std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << to_string(error.code) << ' ' << error.reason << ": " << error.message;
}

// Runs `task` until it ends and returns what it returns; rethrows what it throws. Coroutines that it left behind on
// `context` stay there, suspended.
template <class T>
T run_task(asio::io_context& context, Task<T> task) {
  std::exception_ptr failure;
  bool ended = false;
  if constexpr (std::is_void_v<T>) {
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr error) {
      failure = error;
      ended = true;
    });
    context.restart();
    while (!ended && context.run_one() > 0) {
    }
    if (failure) std::rethrow_exception(failure);
  } else {
    std::optional<T> value;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T result) {
      failure = error;
      if (!error) value.emplace(std::move(result));
      ended = true;
    });
    context.restart();
    while (!ended && context.run_one() > 0) {
    }
    if (failure) std::rethrow_exception(failure);
    return std::move(value).value();
  }
}

// An empty folder of its own, removed with all that is in it.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& inside = std::filesystem::temp_directory_path()) {
    std::string name = inside / "facefleet-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Runs `work(fd)` in a child process that is killed by SIGKILL `lifetime` after its first byte on `fd`,
// wherever it is then. Returns all that it wrote there. No other thread may be running in this process.
template <class Work>
std::string run_and_kill(std::chrono::milliseconds lifetime, const Work& work) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) {
    close(ends[0]);
    work(ends[1]);
    _exit(0);
  }
  close(ends[1]);
  std::string written;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  bool killed = false;
  for (;;) {
    if (deadline && !killed) {
      const auto left = *deadline - std::chrono::steady_clock::now();
      pollfd readable{ends[0], POLLIN, 0};
      const auto left_ms = static_cast<int>(std::max<std::int64_t>(0, left / std::chrono::milliseconds(1)));
      if (left_ms == 0 || poll(&readable, 1, left_ms) == 0) {
        kill(child, SIGKILL);
        killed = true;
      }
    }
    std::array<char, 4096> buffer{};
    const ssize_t got = read(ends[0], buffer.data(), buffer.size());
    if (got <= 0) break;
    written.append(buffer.data(), static_cast<std::size_t>(got));
    if (!deadline) deadline = std::chrono::steady_clock::now() + lifetime;
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return written;
}

}  // namespace facefleet
