// KEDA's aws-sqs-queue scaler with the Kubernetes HPA behind it (kedacore/keda 8b4f083ca, pkg/scalers/
// aws_sqs_queue_scaler.go; the HPA's algorithm is in the Kubernetes documentation). KEDA looks every `polling_s` and
// takes the fleet from 0 to 1 when there is a message, from any size to 0 when there was none for `cooldown_s`. Between
// 1 and the cap the HPA looks every `sync_s`: ceil(messages / queue_length), nothing within a tolerance of 10 %,
// upwards by at most the double or 4, downwards to the largest wish of the last `stabilization_s`.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kKedaSqs = "keda-sqs";

std::unique_ptr<Policy> make_keda_sqs(const PolicyOptions& options);
std::vector<Tuning> keda_sqs_grid();

}  // namespace facefleet::autoscaler
