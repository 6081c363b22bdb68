// The body that a client sent, out of whatever it was wrapped in, and what it said of it found to be true.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "localcloud/s3/call.h"

namespace facefleet::localcloud::s3 {

struct Upload {
  Bytes body;
  std::vector<std::pair<std::string, std::string>> checksums;  // x-amz-checksum-… that were stated, and are right
};

// Moves the body out of the call; decodes aws-chunked and verifies its chunks' signatures; compares Content-MD5 and
// x-amz-checksum-…, in headers or trailers, with the body (BadDigest).
Result<Upload> take_upload(Call& call);

}  // namespace facefleet::localcloud::s3
