// AWS's own endpoints. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace facefleet::aws {

// Where `service` ("sqs") is in `region`: https://sqs.eu-central-1.amazonaws.com. S3's is this one too: buckets are
// named in the path. kInvalidInput for what is no region's name.
Result<std::string> regional_endpoint(std::string_view service, std::string_view region);

}  // namespace facefleet::aws
