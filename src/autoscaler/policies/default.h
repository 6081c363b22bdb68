// Our own: the fewest worker-seconds, billed from launch to end, that hold the stated wait. Why it works:
// docs/scaling.md.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kDefault = "default";

std::unique_ptr<Policy> make_default(const PolicyOptions& options);

}  // namespace facefleet::autoscaler
