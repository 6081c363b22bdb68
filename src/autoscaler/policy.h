// Observe -> decide -> act are three types. A policy is the middle one: a pure function of what was seen
// (and of what it saw before), with a reason in words. It reads no clock, no queue, no network.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace facefleet::autoscaler {

// Counts and times that one tick saw. Workers are counted once: pending, or running, or leaving, or stopped.
struct Observation {
  MonoTime now;
  bool valid = true;  // false: the queue or the fleet could not be read; a policy then holds

  std::uint64_t visible = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
  Millis oldest_age{0};
  std::uint64_t responses = 0;  // answers that wait in the response queue; read for those policies that ask for it
  std::uint64_t arrived = 0;    // jobs that came since this autoscaler began to look; never falls
  std::uint64_t completed = 0;  // jobs that workers finished since then; never falls

  Millis service{0};  // measured: what one job takes a worker; 0: not known yet
  Millis start{0};    // measured: from launch until a worker takes jobs; 0: not known yet

  std::uint32_t pending = 0;       // launched, not yet running
  std::uint32_t running = 0;       // started: loading, idle or busy
  std::uint32_t busy = 0;          // of the running ones, those with a job
  std::vector<Millis> coming_for;  // one a worker that is pending or loading: since its launch; longest first
  std::vector<Millis> idle_for;    // one a running worker that is idle: for how long; longest first
  std::uint32_t leaving = 0;       // draining, stopping or shutting down
  std::uint32_t stopped = 0;       // in a pool, to be started again
  std::uint32_t cap = 0;

  std::string trouble;  // for people: why workers that were wanted are not there; empty: they are, or are on their way
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

// A rival's constants by its own names. What is absent has the rival's own default.
using Tuning = std::map<std::string, double, std::less<>>;

struct PolicyOptions {
  double jobs_per_worker = 1;  // jobs (visible + in flight) that one worker may have before another is wanted
  Millis idle_hold{5'000};     // a worker leaves after it has been idle so long
  Millis wait{1'000};          // to be held: the 95th percentile of the time from a job's arrival until a worker begins
  Millis keep{0};              // `default` keeps an idle worker at least so long, whatever it costs
  Millis tick{100};            // how often decide() is called
  Tuning tuning = {};
};

// kInvalidInput names the policies there are.
Result<std::unique_ptr<Policy>> make_policy(std::string_view name, const PolicyOptions& options);
std::vector<std::string_view> policy_names();

// The options that a fair comparison tries a policy with: `base` first, then the grid of its constants.
std::vector<PolicyOptions> tunings(std::string_view name, const PolicyOptions& base);

// True where a worker ends itself once it finds the queue empty, so that the autoscaler never ends one.
bool workers_end_themselves(std::string_view name);

// True where the policy reads Observation::responses, which costs one more request a tick.
bool reads_responses(std::string_view name);

}  // namespace facefleet::autoscaler
