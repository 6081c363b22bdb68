// SQS's errors by name: `reason` is the query form's code (aws/wire.h knows the JSON form's). Sentences are SQS's own.
#pragma once

#include <string_view>

#include "base/result.h"
#include "localcloud/sqs/call.h"

namespace facefleet::localcloud::sqs {

Error missing_parameter(std::string_view name);
Error invalid_parameter(std::string_view value, std::string_view name, std::string_view reason);
Error invalid_request(std::string_view reason);
Error unknown_attribute(std::string_view name);
Error invalid_attribute(std::string_view name, std::string_view reason = {});
Error invalid_receipt(std::string_view receipt);
Error unsupported(std::string_view sentence);
// `code` without SQS's prefix, such as EmptyBatchRequest.
Error batch_error(std::string_view code, std::string_view message);

// A queue's own error as SQS tells it.
Error from_queue(const Call& call, const Error& error);

}  // namespace facefleet::localcloud::sqs
