// For tests only: coroutines run to their end, and folders that vanish with the test.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
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

}  // namespace facefleet
