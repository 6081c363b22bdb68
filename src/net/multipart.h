// multipart/form-data (RFC 7578), parsed from a body that is already in memory. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::net {

struct Part {
  std::string name;
  bool is_file = false;  // has a filename parameter
  std::string filename;  // as sent (filename* wins where present), not sanitised
  std::string content_type;
  BytesView body;  // into the body that was parsed
};

// The parts in order. kInvalidInput with a reason: `no_boundary`, `malformed_multipart`, `too_many_parts`.
Result<std::vector<Part>> parse_multipart(std::string_view content_type, BytesView body, std::size_t parts_max);

}  // namespace facefleet::net
