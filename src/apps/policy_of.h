// The scaling policy that a profile asks for.
#pragma once

#include <memory>
#include <string>

#include "autoscaler/policy.h"
#include "base/result.h"
#include "config/profile.h"

namespace facefleet::apps {

// `name` as the policies' table has it, with the profile's wait, hold, tick and jobs a worker.
Result<std::unique_ptr<autoscaler::Policy>> policy_of(const config::Profile& profile, const std::string& name);

}  // namespace facefleet::apps
