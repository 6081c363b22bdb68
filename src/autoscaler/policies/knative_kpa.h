// Knative's pod autoscaler (knative/serving 98e5ef90aa, pkg/autoscaler/scaling/autoscaler.go): concurrency averaged
// over a stable and a panic window, divided by the target a worker; in panic the size never falls. A worker takes one
// job at a time, so `concurrency` is 1, of which `utilization` may be used.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kKnativeKpa = "knative-kpa";

std::unique_ptr<Policy> make_knative_kpa(const PolicyOptions& options);
std::vector<Tuning> knative_kpa_grid();

}  // namespace facefleet::autoscaler
