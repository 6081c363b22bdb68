// Comma-separated text (RFC 4180): quoted fields, doubled quotes, LF or CRLF.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace facefleet {

// The records in order, blank lines left out; a leading byte-order mark is dropped. kInvalidInput, naming the line,
// if a quoted field never ends or text follows its closing quote.
Result<std::vector<std::vector<std::string>>> parse_csv(std::string_view text);

}  // namespace facefleet
