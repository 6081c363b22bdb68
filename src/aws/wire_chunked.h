// A body in S3's `aws-chunked` encoding: data in pieces, each perhaps signed, and trailing headers behind them, such as
// a checksum that the sender knew only at the end. Pure.
// Source: "Signature calculations ... multiple chunks" and "... with trailing headers" (Amazon S3 API reference).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

// Takes the encoding off a body that comes in pieces of any size. What it gives out before finish() has succeeded is
// not to be trusted yet.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(std::optional<ChunkSigning> signing);
  ~ChunkedDecoder();

  // Appends to `decoded` what the body's next bytes hold of data. kInvalidInput, reason IncompleteBody: not in this
  // encoding; kDenied, reason SignatureDoesNotMatch: a chunk or the trailers are not what was signed (looked at only if
  // there is a `signing`).
  Result<void> feed(BytesView encoded, Bytes& decoded);
  // Once all was fed: whether that was the whole body.
  Result<void> finish();

  const std::vector<std::pair<std::string, std::string>>& trailers() const { return trailers_; }  // names lower case

 private:
  class Chain;
  enum class State { kHeader, kData, kDataEnd, kTrailers, kDone };

  Result<void> take_line(std::string_view line);
  Result<void> begin_chunk(std::string_view header);
  Result<void> end_chunk();
  Result<void> take_trailer(std::string_view line);

  std::unique_ptr<Chain> chain_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  State state_ = State::kHeader;
  std::string line_;  // the part of a line that has come
  std::uint64_t left_ = 0;
  bool last_ = false;
  std::string chunk_signature_;
  std::string canonical_trailers_;
  std::string trailer_signature_;
};

}  // namespace facefleet::aws
