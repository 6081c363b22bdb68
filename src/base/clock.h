// Time as a parameter: nothing but base/clock.cc reads the machine's clocks, so that tests and the
// simulator decide what time it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace facefleet {

using Millis = std::chrono::milliseconds;
using MonoTime = std::chrono::steady_clock::time_point;  // for intervals; unaffected by wall-clock jumps

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime now() const = 0;
  virtual std::int64_t wall_ms() const = 0;  // milliseconds since 1970-01-01 UTC
};

// The machine's clocks. Stateless; one per process, made by main.
class SystemClock final : public Clock {
 public:
  MonoTime now() const override;
  std::int64_t wall_ms() const override;
};

// A clock that moves when told to. Not thread-safe.
class ManualClock final : public Clock {
 public:
  MonoTime now() const override { return now_; }
  std::int64_t wall_ms() const override { return wall_ms_; }
  void advance(Millis by) {
    now_ += by;
    wall_ms_ += by.count();
  }

 private:
  MonoTime now_{std::chrono::hours(1)};
  std::int64_t wall_ms_ = 1'700'000'000'000;
};

// 2026-01-31T23:59:59.123Z
std::string iso8601(std::int64_t wall_ms);

}  // namespace facefleet
