// What a planner who knows all arrivals would pay, computed once by bench/sim_optimum.py and built in.
#pragma once

#include <optional>
#include <string_view>

#include "sim/simulation.h"

namespace facefleet::sim {

// Worker-seconds that no plan with this cap and start time goes below while 95 % of the jobs begin within `wait`. None
// where it was not computed: for other caps, services and seeds than the defaults, and traces with faults.
std::optional<double> optimum_of(const Trace& trace, const Options& options, Millis wait);

// The file that is built in: tests/golden/sim/optimum.json.
std::string_view optimum_json();

}  // namespace facefleet::sim
