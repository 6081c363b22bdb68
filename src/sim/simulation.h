// One trace against one policy: arrivals, queue, leases, workers, failures and scaler on a simulated clock, in one
// thread. Reads no clock and draws nothing but what the trace's seed says: the same inputs give the same outcome.
#pragma once

#include <cstdint>
#include <vector>

#include "autoscaler/policy.h"
#include "sim/trace.h"

namespace facefleet::sim {

struct Options {
  Micros start{200'000};                // from launch until a worker takes jobs
  Micros service{100'000};              // what a job takes, where the trace does not say
  Micros tick{100'000};                 // how often the policy is asked
  Micros lease{30'000'000};             // a job whose worker died, or that failed, comes back when its lease ends
  std::uint32_t cap = 20;               // workers at once, whatever their state
  std::uint32_t receives_max = 5;       // deliveries after which a job goes to the dead-letter queue
  bool workers_end_themselves = false;  // once they find the queue empty
  bool keep_timeline = false;
};

// What one tick saw, for the report's page.
struct Moment {
  Micros at{0};
  std::uint64_t queued = 0;    // visible and in flight
  std::uint32_t starting = 0;  // workers
  std::uint32_t running = 0;   // workers, leaving ones included
};

struct Outcome {
  std::uint64_t jobs = 0;
  std::uint64_t answered = 0;
  std::uint64_t dead = 0;  // in the dead-letter queue
  std::uint64_t lost = 0;  // neither, when all was over: the policy left them waiting

  double worker_seconds = 0;  // from launch to end of each worker, starts included
  // From a job's arrival until the beginning of the attempt that answered it; a lost job waits until all is over; dead
  // ones do not count. Percentiles by the nearest rank.
  double wait_p50_s = 0;
  double wait_p95_s = 0;
  double wait_max_s = 0;
  std::uint32_t peak = 0;  // workers at once
  std::uint64_t launches = 0;
  std::uint64_t changes = 0;     // how often scaling changed its direction
  Micros over{0};                // the last job settled and the last worker gone, or no sense in waiting any longer
  std::vector<Moment> timeline;  // one a tick, if kept
};

Outcome simulate(const Trace& trace, autoscaler::Policy& policy, const Options& options);

}  // namespace facefleet::sim
