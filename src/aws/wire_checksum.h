// The checksums by which S3's clients guard a body: x-amz-checksum-<algorithm>, in base 64. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace facefleet::aws {

// In base 64, as the header has it. `algorithm`: crc32, crc32c, crc64nvme, sha1, sha256; nothing for any other.
std::optional<std::string> checksum(std::string_view algorithm, BytesView bytes);

}  // namespace facefleet::aws
