// A trace played at a running system, and beside it the same trace simulated with the service and start times that were
// measured there: how far the simulator is from what happens.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "load/load.h"
#include "net/http_client.h"
#include "sim/trace.h"

namespace facefleet::apps {

struct TraceFlags {
  std::string trace;       // a name or a CSV file, as `facefleet sim` has them; empty: none is played
  double time_scale = 1;   // 0.1: ten times as fast
  std::uint64_t seed = 1;  // what the trace is drawn from
  std::string profile;     // that the system runs; empty: the one it names
  std::vector<std::string> set;
};

// The trace, its times scaled, its first `requests_max` arrivals (0: all). kInvalidInput for one that a client cannot
// play, as it needs faults.
Result<sim::Trace> read_trace(const TraceFlags& flags, std::uint32_t requests_max);

// What GET /v1/status told while the trace was played.
struct FleetSeen {
  double worker_seconds = 0;  // of all that were not stopped: from launch to end, starts included
  std::uint32_t peak = 0;     // workers at once
  std::uint32_t cap = 0;
  std::string profile, policy;
  double service_s = 0, start_s = 0;  // as measured there; 0: not known
};

// Looks at a fleet until it is empty again. Thread rule: base/task.h.
class FleetWatch {
 public:
  FleetWatch(const Executor& executor, const net::Url& url, const Clock& clock);

  // The first look: fails, with what to do, where no status can be had.
  Task<Result<void>> begin();
  // Looks on until load_is_over() and no worker is left, or for kRest at most.
  Task<> run();
  void load_is_over() { over_at_ = clock_.now(); }
  const FleetSeen& seen() const { return seen_; }

 private:
  Task<Result<std::uint32_t>> look();

  const Clock& clock_;
  std::unique_ptr<net::HttpClient> client_;
  FleetSeen seen_;
  MonoTime over_at_ = MonoTime::max();
};

// Both sides, and how far they are apart.
struct Played {
  sim::Trace trace;
  FleetSeen real;
  double real_p95_s = 0;
  double simulated_worker_seconds = 0, simulated_p95_s = 0;
  std::uint32_t simulated_peak = 0;
};

Result<Played> compare_with_simulation(const TraceFlags& flags, sim::Trace trace, FleetSeen real,
                                       const load::Outcome& outcome);
std::string to_text(const Played& played);
std::string to_json(const Played& played);  // an object

}  // namespace facefleet::apps
