// The rule of S4: min(depth, cap), out and in, at every look.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kMinDepth20 = "min-depth-20";

std::unique_ptr<Policy> make_min_depth_20(const PolicyOptions& options);

}  // namespace facefleet::autoscaler
