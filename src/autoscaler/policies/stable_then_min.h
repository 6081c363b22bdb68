// The rule of S0: out only after the request queue's length has been equal for 3 looks, to min(length, cap); in, all at
// once, after 10 looks with both queues empty. Its length is what waits: it does not see work in flight.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kStableThenMin = "stable-then-min";

std::unique_ptr<Policy> make_stable_then_min(const PolicyOptions& options);
std::vector<Tuning> stable_then_min_grid();

}  // namespace facefleet::autoscaler
