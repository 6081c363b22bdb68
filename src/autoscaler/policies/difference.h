// The rule of S1: jobs, waiting and in flight, against running workers. Starts min(difference, cap - running) and stops
// as many when it is negative. What is pending is left alone for 30 s: it is neither stopped nor started once more, so
// until then it counts as running.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kDifference = "difference";

std::unique_ptr<Policy> make_difference(const PolicyOptions& options);
std::vector<Tuning> difference_grid();

}  // namespace facefleet::autoscaler
