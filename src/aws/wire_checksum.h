// The checksums that S3's clients state of a body (x-amz-checksum-…).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace facefleet::aws {

// A checksum of bytes that come in pieces.
class Checksum {
 public:
  virtual ~Checksum() = default;
  virtual void add(BytesView bytes) = 0;
  virtual std::string take() = 0;  // in base 64, as the header has it; no further call

  // `algorithm`: crc32, crc32c, crc64nvme, sha1 or sha256; null if it is none of these.
  static std::unique_ptr<Checksum> of(std::string_view algorithm);
};

// Of bytes that are all there.
std::optional<std::string> checksum(std::string_view algorithm, BytesView bytes);

}  // namespace facefleet::aws
