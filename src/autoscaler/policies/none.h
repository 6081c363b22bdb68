// Changes nothing: somebody else's controller starts and stops instances.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kNone = "none";

std::unique_ptr<Policy> make_none(const PolicyOptions& options);

}  // namespace facefleet::autoscaler
