#include "aws/wire_chunked.h"

#include <charconv>
#include <cstring>
#include <string_view>

#include "aws/wire.h"
#include "base/hash.h"

namespace facefleet::aws {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

Error malformed() {
  return {Code::kInvalidInput, "The aws-chunked body is malformed or ends early.", "IncompleteBody"};
}

Error not_as_signed() {
  return {Code::kDenied, "A chunk's signature does not match the signature that was calculated for it.",
          "SignatureDoesNotMatch"};
}

// Each signature covers the one before it, so that chunks cannot be dropped, moved or repeated.
class Chain {
 public:
  explicit Chain(const ChunkSigning& signing) : signing_(signing), previous_(signing.seed) {}

  bool accepts_chunk(BytesView chunk, std::string_view signature) {
    static const std::string kEmptyHash = hex(sha256(""));
    return accepts("AWS4-HMAC-SHA256-PAYLOAD", kEmptyHash + "\n" + hex(sha256(chunk)), signature);
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

  const ChunkSigning& signing_;
  std::string previous_;
};

struct ChunkHeader {
  std::size_t size = 0;
  std::string_view signature;
};

// `400;chunk-signature=0055…`; the extension may be missing.
std::optional<ChunkHeader> read_header(std::string_view line) {
  ChunkHeader header;
  const std::string_view digits = line.substr(0, line.find(';'));
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), header.size, 16);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  constexpr std::string_view kSignature = ";chunk-signature=";
  if (const auto at = line.find(kSignature); at != std::string_view::npos)
    header.signature = line.substr(at + kSignature.size());
  return header;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// What follows the last chunk: `name:value` lines, perhaps a signature over them, an empty line.
Result<void> read_trailers(std::string_view rest, ChunkedBody& out, Chain* chain) {
  std::string canonical;
  std::optional<std::string> signature;
  while (!rest.empty()) {
    const auto end = rest.find(kLineEnd);
    if (end == std::string_view::npos) return malformed();
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + kLineEnd.size());
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return malformed();
    std::string name = lower_case(trimmed(line.substr(0, colon)));
    std::string value(trimmed(line.substr(colon + 1)));
    if (name == "x-amz-trailer-signature") {
      signature = std::move(value);
      continue;
    }
    canonical.append(name).append(":").append(value).append("\n");
    out.trailers.emplace_back(std::move(name), std::move(value));
  }
  if (chain != nullptr && !out.trailers.empty() && !chain->accepts_trailers(canonical, signature.value_or("")))
    return not_as_signed();
  return {};
}

}  // namespace

Result<ChunkedBody> decode_chunked(Bytes encoded, const std::optional<ChunkSigning>& signing) {
  std::optional<Chain> chain;
  if (signing) chain.emplace(*signing);
  ChunkedBody out;
  std::size_t to = 0;    // what is decoded lies before it
  std::size_t from = 0;  // what is not lies from here on
  for (;;) {
    const auto line_end = encoded.find(kLineEnd, from);
    if (line_end == std::string::npos) return malformed();
    const auto header = read_header(std::string_view(encoded).substr(from, line_end - from));
    if (!header) return malformed();
    const std::size_t start = line_end + kLineEnd.size();
    if (encoded.size() - start < header->size) return malformed();
    const BytesView chunk = BytesView(encoded).substr(start, header->size);
    if (chain && !chain->accepts_chunk(chunk, header->signature)) return not_as_signed();
    from = start + header->size;
    if (header->size == 0) break;
    if (encoded.compare(from, kLineEnd.size(), kLineEnd) != 0) return malformed();
    from += kLineEnd.size();
    std::memmove(encoded.data() + to, chunk.data(), chunk.size());
    to += chunk.size();
  }
  if (auto read = read_trailers(std::string_view(encoded).substr(from), out, chain ? &*chain : nullptr); !read)
    return read.error();
  encoded.resize(to);
  out.body = std::move(encoded);
  return out;
}

}  // namespace facefleet::aws
