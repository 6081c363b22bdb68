#include "aws/wire_chunked.h"

#include <algorithm>
#include <charconv>

#include "aws/wire.h"
#include "base/hash.h"

namespace facefleet::aws {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kLineBytesMax = 8'192;  // of a chunk's header, or a trailer
constexpr std::size_t kTrailersMax = 32;

Error malformed() {
  return {Code::kInvalidInput, "The aws-chunked body is malformed or ends early.", "IncompleteBody"};
}

Error not_as_signed() {
  return {Code::kDenied, "A chunk's signature does not match the signature that was calculated for it.",
          "SignatureDoesNotMatch"};
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

// Each signature covers the one before it, so that chunks cannot be dropped, moved or repeated.
class ChunkedDecoder::Chain {
 public:
  explicit Chain(ChunkSigning signing) : signing_(std::move(signing)), previous_(signing_.seed) {}

  void add(BytesView data) { chunk_->add(data); }
  bool accepts_chunk(std::string_view signature) {
    static const std::string kEmptyHash = hex(sha256(""));
    const std::string hash = hex(chunk_->take());
    chunk_.emplace(Digest::Kind::kSha256);
    return accepts("AWS4-HMAC-SHA256-PAYLOAD", kEmptyHash + "\n" + hash, signature);
  }
  bool accepts_trailers(BytesView canonical, std::string_view signature) {
    return accepts("AWS4-HMAC-SHA256-TRAILER", hex(sha256(canonical)), signature);
  }

 private:
  bool accepts(std::string_view algorithm, const std::string& what, std::string_view signature) {
    std::string to_sign(algorithm);
    to_sign.append("\n").append(signing_.amz_date).append("\n").append(signing_.scope).append("\n");
    to_sign.append(previous_).append("\n").append(what);
    previous_ = hex(hmac_sha256(signing_.key, to_sign));
    return equal_constant_time(previous_, signature);
  }

  const ChunkSigning signing_;
  std::string previous_;
  std::optional<Digest> chunk_{Digest::Kind::kSha256};
};

ChunkedDecoder::ChunkedDecoder(std::optional<ChunkSigning> signing) {
  if (signing) chain_ = std::make_unique<Chain>(std::move(*signing));
}

ChunkedDecoder::~ChunkedDecoder() = default;

Result<void> ChunkedDecoder::feed(BytesView encoded, Bytes& decoded) {
  while (!encoded.empty()) {
    if (state_ == State::kDone) return malformed();
    if (state_ == State::kData) {
      const BytesView data = encoded.substr(0, std::min<std::uint64_t>(left_, encoded.size()));
      decoded.append(data);
      if (chain_) chain_->add(data);
      left_ -= data.size();
      encoded.remove_prefix(data.size());
      if (left_ > 0) return {};
      if (auto ended = end_chunk(); !ended) return ended;
      continue;
    }
    // A line, which may come in several pieces, its end too.
    const std::size_t end = encoded.find('\n');
    line_.append(encoded.substr(0, end == BytesView::npos ? end : end + 1));
    if (line_.size() > kLineBytesMax) return malformed();
    if (end == BytesView::npos) return {};
    encoded.remove_prefix(end + 1);
    if (!line_.ends_with(kLineEnd)) return malformed();
    const std::string line = std::exchange(line_, {});
    if (auto taken = take_line(std::string_view(line).substr(0, line.size() - kLineEnd.size())); !taken) return taken;
  }
  return {};
}

Result<void> ChunkedDecoder::take_line(std::string_view line) {
  if (state_ == State::kHeader) return begin_chunk(line);
  if (state_ == State::kTrailers) return take_trailer(line);
  if (!line.empty()) return malformed();  // what stands behind a chunk's data
  state_ = State::kHeader;
  return {};
}

// `400;chunk-signature=0055…`; the extension may be missing.
Result<void> ChunkedDecoder::begin_chunk(std::string_view header) {
  const std::string_view digits = header.substr(0, header.find(';'));
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return malformed();
  constexpr std::string_view kSignature = ";chunk-signature=";
  const auto at = header.find(kSignature);
  chunk_signature_ = at == std::string_view::npos ? std::string_view() : header.substr(at + kSignature.size());
  last_ = left_ == 0;
  state_ = State::kData;
  return last_ ? end_chunk() : Result<void>();
}

Result<void> ChunkedDecoder::end_chunk() {
  state_ = last_ ? State::kTrailers : State::kDataEnd;
  if (chain_ && !chain_->accepts_chunk(chunk_signature_)) return not_as_signed();
  return {};
}

// What follows the last chunk: `name:value` lines, perhaps a signature over them, an empty line.
Result<void> ChunkedDecoder::take_trailer(std::string_view line) {
  if (line.empty()) {
    state_ = State::kDone;
    if (chain_ && !trailers_.empty() && !chain_->accepts_trailers(canonical_trailers_, trailer_signature_))
      return not_as_signed();
    return {};
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || trailers_.size() == kTrailersMax) return malformed();
  std::string name = lower_case(trimmed(line.substr(0, colon)));
  std::string value(trimmed(line.substr(colon + 1)));
  if (name == "x-amz-trailer-signature") {
    trailer_signature_ = std::move(value);
    return {};
  }
  canonical_trailers_.append(name).append(":").append(value).append("\n");
  trailers_.emplace_back(std::move(name), std::move(value));
  return {};
}

// Some clients leave the last empty line out where there are no trailers.
Result<void> ChunkedDecoder::finish() {
  if (state_ == State::kTrailers && line_.empty()) return take_trailer({});
  return state_ == State::kDone ? Result<void>() : Result<void>(malformed());
}

}  // namespace facefleet::aws
