// A body in S3's `aws-chunked` encoding: data in pieces, each perhaps signed, and trailing headers behind them, such as
// a checksum that the sender knew only at the end. Pure functions.
// Source: "Signature calculations ... multiple chunks" and "... with trailing headers" (Amazon S3 API reference).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::aws {

// What the chunks of a signed upload are signed with.
struct ChunkSigning {
  std::string key;       // the day's signing key
  std::string amz_date;  // 20130524T000000Z
  std::string scope;     // 20130524/us-east-1/s3/aws4_request
  std::string seed;      // the signature of the request's header, which the first chunk's builds on
};

struct ChunkedBody {
  Bytes body;
  std::vector<std::pair<std::string, std::string>> trailers;  // names lower case
};

// `encoded` is reused for the body. kInvalidInput, reason IncompleteBody: not in this encoding; kDenied, reason
// SignatureDoesNotMatch: a chunk or the trailers are not what was signed (looked at only if `signing` is given).
Result<ChunkedBody> decode_chunked(Bytes encoded, const std::optional<ChunkSigning>& signing);

}  // namespace facefleet::aws
