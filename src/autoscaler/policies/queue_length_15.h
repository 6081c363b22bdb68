// The rule of S3: one worker a waiting message, 0 to cap; a worker leaves after it has been idle for `idle_hold`.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kQueueLength15 = "queue-length-15";

std::unique_ptr<Policy> make_queue_length_15(const PolicyOptions& options);
std::vector<Tuning> queue_length_15_grid();

}  // namespace facefleet::autoscaler
