#include "localcloud/s3/upload.h"

#include <optional>

#include "aws/wire_checksum.h"
#include "aws/wire_chunked.h"
#include "base/hash.h"
#include "base/limits.h"
#include "net/body.h"

namespace facefleet::localcloud::s3 {
namespace {

constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

// What stands between `mark` and the next comma or blank.
std::string_view field(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + mark.size());
  return text.substr(0, text.find_first_of(", "));
}

aws::ChunkSigning chunk_signing(const Call& call) {
  const std::string_view authorization = call.http.headers.get("authorization").value_or("");
  const std::string_view credential = field(authorization, "Credential=");
  aws::ChunkSigning signing;
  signing.scope = credential.substr(credential.find('/') + 1);
  signing.amz_date = call.http.headers.get("x-amz-date").value_or("");
  signing.seed = field(authorization, "Signature=");
  const std::string_view day = std::string_view(signing.scope).substr(0, signing.scope.find('/'));
  std::string_view region = std::string_view(signing.scope).substr(std::min(day.size() + 1, signing.scope.size()));
  region = region.substr(0, region.find('/'));
  signing.key = call.service.signing_keys.get(call.service.secret_access_key, day, {std::string(region), "s3"});
  return signing;
}

struct StatedSum {
  std::string name;                    // x-amz-checksum-crc32
  std::unique_ptr<aws::Checksum> sum;  // what it is, so far
  std::optional<std::string> stated;   // nothing yet: a trailer says it
};

Error bad_digest(std::string_view what) {
  return s3_error(Code::kInvalidInput, "BadDigest",
                  "The " + std::string(what) + " you specified did not match what we received.");
}

// The body of one call, piece by piece.
class Receiver {
 public:
  explicit Receiver(Call& call) : call_(call) {}

  // Reads what the header says of the body.
  Result<void> begin() {
    const net::Headers& headers = call_.http.headers;
    if (call_.payload.starts_with("STREAMING-")) {
      std::optional<aws::ChunkSigning> signing;
      const bool is_signed = call_.payload.find("AWS4-HMAC-SHA256") != std::string::npos;
      if (is_signed && !call_.service.secret_access_key.empty()) signing = chunk_signing(call_);
      chunks_.emplace(std::move(signing));
    } else if (!call_.payload.empty() && !aws::is_payload_marker(call_.payload)) {
      sha256_.emplace(Digest::Kind::kSha256);
    }
    if (const auto stated = headers.get("content-md5")) {
      md5_stated_ = base64_decode(*stated).value_or("");
      if (md5_stated_.size() != 16)
        return s3_error(Code::kInvalidInput, "InvalidDigest", "The Content-MD5 you specified was invalid.");
      md5_.emplace(Digest::Kind::kMd5);
    }
    for (const auto& [name, value] : headers.all())
      if (auto expected = expect(aws::lower_case(name), value); !expected) return expected;
    if (const auto trailer = headers.get("x-amz-trailer")) return expect(aws::lower_case(*trailer), std::nullopt);
    return {};
  }

  // The next bytes of the body itself, which stay until the next call; none once all has come and is right.
  Task<Result<BytesView>> next() {
    for (;;) {
      if (ended_ || call_.http.pieces == nullptr) co_return BytesView();
      const auto piece = co_await call_.http.pieces->next();
      if (!piece) co_return from_body(piece.error());
      if (piece->empty()) {
        ended_ = true;
        if (auto right = check_end(); !right) co_return right.error();
        co_return BytesView();
      }
      const auto plain = take(*piece);
      if (!plain || !plain->empty()) co_return plain;
    }
  }

  std::vector<std::pair<std::string, std::string>> take_checksums() {
    std::vector<std::pair<std::string, std::string>> checksums;
    for (StatedSum& sum : sums_) checksums.emplace_back(std::move(sum.name), std::move(*sum.stated));
    return checksums;
  }

 private:
  static Error from_body(const Error& error) {
    if (error.reason == "body_too_long")
      return s3_error(error.code, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
    if (error.code == Code::kInvalidInput) return s3_error(error.code, "IncompleteBody", error.message);
    return s3_error(Code::kInvalidInput, "RequestTimeout",
                    "Your socket connection to the server was not read from or written to within the timeout period.");
  }

  Result<void> expect(std::string name, std::optional<std::string> stated) {
    if (!name.starts_with(kChecksumPrefix)) return {};
    const std::string algorithm = name.substr(kChecksumPrefix.size());
    if (algorithm == "type" || algorithm == "mode" || algorithm == "algorithm") return {};
    auto sum = aws::Checksum::of(algorithm);
    if (!sum)
      return s3_error(Code::kInvalidInput, "InvalidRequest", "The checksum algorithm " + algorithm + " is not known.");
    sums_.push_back({std::move(name), std::move(sum), std::move(stated)});
    return {};
  }

  Result<BytesView> take(BytesView piece) {
    if (sha256_) sha256_->add(piece);
    if (chunks_) {
      decoded_.clear();
      if (auto fed = chunks_->feed(piece, decoded_); !fed) return fed.error();
      piece = decoded_;
    }
    if (md5_) md5_->add(piece);
    for (StatedSum& sum : sums_) sum.sum->add(piece);
    size_ += piece.size();
    return piece;
  }

  Result<void> check_end() {
    if (chunks_) {
      if (auto whole = chunks_->finish(); !whole) return whole;
      const auto stated = call_.http.headers.get("x-amz-decoded-content-length");
      if (stated && *stated != std::to_string(size_))
        return s3_error(
            Code::kInvalidInput, "IncompleteBody",
            "You did not provide the number of bytes specified by the x-amz-decoded-content-length header.");
      for (const auto& [name, value] : chunks_->trailers())
        for (StatedSum& sum : sums_)
          if (sum.name == name) sum.stated = value;
    }
    if (sha256_ && hex(sha256_->take()) != call_.payload)
      return s3_error(Code::kInvalidInput, "XAmzContentSHA256Mismatch",
                      "The provided 'x-amz-content-sha256' header does not match what was computed.");
    if (md5_ && md5_->take() != md5_stated_) return bad_digest("Content-MD5");
    for (StatedSum& sum : sums_) {
      if (!sum.stated)
        return s3_error(Code::kInvalidInput, "MalformedTrailerError",
                        "The request contained trailing data that was not well-formed or did not conform to our "
                        "published schema.");
      if (sum.sum->take() != *sum.stated) return bad_digest(sum.name.substr(kChecksumPrefix.size()));
    }
    return {};
  }

  Call& call_;
  std::optional<aws::ChunkedDecoder> chunks_;
  std::optional<Digest> sha256_, md5_;
  std::string md5_stated_;
  std::vector<StatedSum> sums_;
  Bytes decoded_;
  std::uint64_t size_ = 0;
  bool ended_ = false;
};

}  // namespace

Task<Result<Upload>> receive_upload(Call& call) {
  Receiver receiver(call);
  if (auto begun = receiver.begin(); !begun) co_return begun.error();
  Upload upload;
  upload.draft = call.service.store.draft();
  for (;;) {
    const auto piece = co_await receiver.next();
    if (!piece) co_return piece.error();
    if (piece->empty()) break;
    if (upload.draft->size() + piece->size() > limits::kObjectBytes)
      co_return s3_error(Code::kInvalidInput, "EntityTooLarge",
                         "Your proposed upload exceeds the maximum allowed size");
    const auto kept = co_await upload.draft->append(*piece);
    if (!kept) co_return from_store(kept.error());
  }
  upload.checksums = receiver.take_checksums();
  co_return upload;
}

Task<Result<Bytes>> receive_document(Call& call) {
  Receiver receiver(call);
  if (auto begun = receiver.begin(); !begun) co_return begun.error();
  Bytes document;
  for (;;) {
    const auto piece = co_await receiver.next();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return document;
    if (document.size() + piece->size() > limits::kDoorXmlBytes)
      co_return s3_error(Code::kInvalidInput, "MaxMessageLengthExceeded", "Your request was too large.");
    document.append(*piece);
  }
}

}  // namespace facefleet::localcloud::s3
