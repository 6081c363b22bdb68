// AWS target tracking on backlog per instance, as the EC2 Auto Scaling guide describes it for SQS: visible messages
// over running instances, averaged over periods of a minute, kept at acceptable latency / service time. An alarm needs
// 3 periods above to scale out and 15 below 90 % to scale in; instances that warm up count as capacity and block
// scaling in. Backlog per instance is undefined without an instance; here none counts as one, so that it can leave zero
// at all.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kAwsTargetTracking = "aws-target-tracking";

std::unique_ptr<Policy> make_aws_target_tracking(const PolicyOptions& options);
std::vector<Tuning> aws_target_tracking_grid();

}  // namespace facefleet::autoscaler
