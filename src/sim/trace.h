// What comes to a system and what befalls it, as a pure function of a seed: the arrivals of jobs, and the faults.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace facefleet::sim {

using Micros = std::chrono::microseconds;

struct Fault {
  enum class Kind {
    kCrash,       // one of the workers that have started dies
    kNotice,      // `share` of all workers are told to go: they finish their job and end
    kMetricLost,  // the queue cannot be read from here …
    kMetricBack,  // … until here
  };
  Micros at{0};
  Kind kind = Kind::kCrash;
  double share = 0;
  std::uint64_t draw = 0;  // chooses among the workers
};

struct Trace {
  std::string name;
  std::vector<Micros> arrivals;       // rising
  std::vector<Micros> services;       // one a job; empty: all jobs take the same
  std::vector<std::uint32_t> poison;  // numbers of the jobs that no worker completes, rising
  std::vector<Fault> faults;          // rising in time
  double slow_share = 0;              // of the workers launched, so many are slow
  double slow_factor = 1;             // and take so many times longer
  std::uint64_t seed = 1;
};

// What a trace is drawn from.
struct Draw {
  std::uint64_t seed = 1;
  Micros service{100'000};  // the mean, for traces whose jobs differ
};

struct TraceKind {
  std::string_view name;
  std::string_view help;
  void (*fill)(Trace& trace, const Draw& draw);
};

// Every trace there is, in the order of reports.
std::span<const TraceKind> trace_kinds();

// kInvalidInput names the traces there are.
Result<Trace> make_trace(std::string_view name, const Draw& draw);

// A trace of one's own: CSV with the arrivals in seconds, and optionally the service times in seconds beside them; a
// first line of names is skipped. Sorted here. kInvalidInput names the line.
Result<Trace> parse_trace(std::string_view name, std::string_view csv);

// The form that parse_trace reads. Faults have no place in it.
std::string to_csv(const Trace& trace);

// False where something fails on the way, so that a planner who knows all arrivals still does not know everything.
bool is_faultless(const Trace& trace);

}  // namespace facefleet::sim
