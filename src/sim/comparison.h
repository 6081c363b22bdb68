// Policies beside each other on the same traces: what each costs, whether it holds the wait, how far it is from the
// optimum; a rival also with the best that a grid of its own constants can do.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/simulation.h"

namespace facefleet::sim {

// The policy that is ours: it is compared as it is; only rivals are tuned.
inline constexpr std::string_view kOurs = "default";

struct Comparison {
  std::vector<std::string> policies;
  std::vector<Trace> traces;
  Options options;     // workers_end_themselves is each policy's own
  Millis wait{1'000};  // to be held: the 95th percentile
  bool tuned = false;
};

struct Row {
  std::string policy;
  std::string trace;
  bool tuned = false;
  autoscaler::Tuning tuning;  // where tuned: the constants that were best; empty: the policy's own defaults
  Outcome outcome;
  bool held = false;
  std::optional<double> optimum;  // worker-seconds
};

// Whether the outcome holds the wait and loses nothing.
bool holds(const Outcome& outcome, Millis wait);

// A row for each trace and policy, in their order; where tuned, a second one behind it for each rival that has
// constants: its cheapest grid point that holds the wait, or where none does, the one that comes nearest. kInvalidInput
// where there is no such policy.
Result<std::vector<Row>> compare(const Comparison& comparison);

}  // namespace facefleet::sim
