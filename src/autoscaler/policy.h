// Observe -> decide -> act are three types. A policy is the middle one: a pure function of what was seen
// (and of what it saw before), with a reason in words. It reads no clock, no queue, no network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace facefleet::autoscaler {

struct Observation {
  MonoTime now;
  bool valid = true;  // false: the queue or the fleet could not be read; a policy then holds
  std::uint64_t visible = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
  Millis oldest_age{0};
  std::uint32_t pending = 0;     // launched, not yet running
  std::uint32_t running = 0;     // taking jobs: idle, busy or starting
  std::vector<Millis> idle_for;  // one a running worker that is idle: for how long; longest first
  std::uint32_t leaving = 0;     // draining, stopping or shutting down
  std::uint32_t cap = 0;
};

struct Decision {
  std::uint32_t target = 0;  // wanted pending + running workers, 0 to cap; the longest idle leave first
  std::string reason;        // for people: "3 jobs, 1 a worker"
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const = 0;
  virtual Decision decide(const Observation& seen) = 0;
};

struct PolicyOptions {
  double jobs_per_worker = 1;  // jobs (visible + in flight) that one worker may have before another is wanted
  Millis idle_hold{5'000};     // a worker leaves after it has been idle so long
};

// kInvalidInput names the policies there are.
Result<std::unique_ptr<Policy>> make_policy(std::string_view name, const PolicyOptions& options);
std::vector<std::string_view> policy_names();

}  // namespace facefleet::autoscaler
