// The two spellings of time in AWS's answers. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace facefleet::aws {

// Milliseconds since 1970 of `2009-10-12T17:50:30.000Z` (S3's listings, EC2); the fraction may be missing.
std::optional<std::int64_t> parse_iso8601(std::string_view text);

// Milliseconds since 1970 of `Mon, 12 Oct 2009 17:50:30 GMT` (RFC 9110, 5.6.7; HTTP headers), whole seconds.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace facefleet::aws
