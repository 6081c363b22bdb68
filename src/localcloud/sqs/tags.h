// A queue's tags: kept with it, acted on by nobody.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "localcloud/sqs/call.h"
#include "queue/queue.h"

namespace facefleet::localcloud::sqs {

// Lays the call's tags over those of `attributes`.
Result<void> apply_tags(const Call& call, queue::Attributes& attributes);
void remove_tag(queue::Attributes& attributes, std::string_view key);
std::vector<std::pair<std::string, std::string>> tags_of(const queue::Attributes& attributes);

}  // namespace facefleet::localcloud::sqs
