// Outcomes that name somebody who is to be forgotten. Thread rule: base/task.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/service.h"

namespace facefleet::gateway {

// Deletes the outcomes of `gallery` that name `person` (any person, if absent) as a label or a match, with their photos
// where those are kept, what is kept of them for reuse, and the labels in the out-bucket view. Returns how many objects
// went. Reads every outcome: meant for the rare request that a person be forgotten.
Task<Result<std::uint64_t>> erase_outcomes(Service& service, std::string gallery, std::optional<std::string> person);

}  // namespace facefleet::gateway
