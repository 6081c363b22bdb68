// A queue's attributes by SQS's names.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "localcloud/sqs/call.h"
#include "queue/queue.h"

namespace facefleet::localcloud::sqs {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

// Lays what the call's Attributes say over `attributes`. The dead-letter queue must exist.
Task<Result<void>> apply_attributes(Call& call, queue::Attributes& attributes);

// All of a queue's, in SQS's spelling.
NamedValues name_attributes(const Call& call, std::string_view queue_name, const queue::Attributes& attributes,
                            const queue::Counts& counts);

// The first of the call's Attributes in which the queue differs from what the call says; nothing if it has them all.
std::optional<std::string> differing_attribute(const Call& call, const queue::Attributes& there,
                                               const queue::Attributes& wanted);

}  // namespace facefleet::localcloud::sqs
