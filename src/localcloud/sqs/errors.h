// SQS's errors by name: `reason` is the query form's code (aws/wire.h knows the JSON form's). Sentences are SQS's own.
#pragma once

#include <string_view>

#include "base/result.h"

namespace facefleet::localcloud::sqs {

Error missing_parameter(std::string_view name);
Error invalid_parameter(std::string_view value, std::string_view name, std::string_view reason);
Error invalid_request(std::string_view reason);
Error unknown_attribute(std::string_view name);
Error invalid_attribute(std::string_view name, std::string_view reason = {});
Error invalid_receipt(std::string_view receipt);
Error unsupported(std::string_view sentence);
Error invalid_characters();
// Of a message's attributes; the sentence is told as it is.
Error malformed_attributes(std::string message);
// `code` without SQS's prefix, such as PurgeQueueInProgress.
Error sqs_error(std::string_view code, std::string message);

}  // namespace facefleet::localcloud::sqs
