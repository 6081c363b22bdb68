// AWS says what went wrong in five forms (query XML, EC2's, S3's, JSON, and JSON with the query code in a header);
// callers see one. Pure functions.
#pragma once

#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace facefleet::aws {

// What a caller should do about AWS's error code `reason`, which came with HTTP status `status`.
Code code_of(std::string_view reason, int status);

// What may make the same request succeed.
enum class Remedy {
  kNone,
  kAgain,   // The service failed: sent again, if doing it twice does no harm.
  kSlower,  // Throttled, so nothing was done: sent again after a longer pause, whatever it is.
  kResign,  // The signature was refused, so nothing was done: sent again with the service's clock, or with fresh keys.
};
Remedy remedy_of(std::string_view reason, int status);

// The error that a response of 300 or above reports. `reason` is AWS's code; where the body names none (HEAD has no
// body), it is empty.
Error error_of(const net::HttpResponse& response);

}  // namespace facefleet::aws
