// The body that a client sent, out of whatever it was wrapped in, and what it said of it found to be true.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "localcloud/s3/call.h"

namespace facefleet::localcloud::s3 {

struct Upload {
  std::unique_ptr<store::Draft> draft;
  std::vector<std::pair<std::string, std::string>> checksums;  // x-amz-checksum-… that were stated, and are right
};

// Takes the call's body, as it comes, into a draft: decodes aws-chunked and verifies its chunks' signatures; compares
// Content-MD5, x-amz-content-sha256 and x-amz-checksum-…, in headers or trailers, with the body (BadDigest).
Task<Result<Upload>> receive_upload(Call& call);

// The same for a call whose body is a document.
Task<Result<Bytes>> receive_document(Call& call);

}  // namespace facefleet::localcloud::s3
