// Answers from the stored outcome of the very same bytes, where the profile says `reuse`. Thread rule: base/task.h.
#pragma once

#include <string>

#include "gateway/intake.h"

namespace facefleet::gateway {

// The outcome of these bytes as that of `job_id`, durably, if one is stored that the gallery's current version and
// model would give again; null if there is none.
Task<Result<Answer>> reuse_outcome(Service& service, const Order& order, const std::string& job_id,
                                   const std::string& name, const Bytes& photo);

}  // namespace facefleet::gateway
