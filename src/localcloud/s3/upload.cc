#include "localcloud/s3/upload.h"

#include <charconv>

#include "aws/wire_checksum.h"
#include "aws/wire_chunked.h"
#include "base/hash.h"

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

Result<void> unwrap(Call& call, Upload& upload, net::Headers& trailers) {
  const std::string_view payload = call.http.headers.get("x-amz-content-sha256").value_or("");
  upload.body = std::move(call.http.body);
  if (!payload.starts_with("STREAMING-")) return {};
  std::optional<aws::ChunkSigning> signing;
  if (payload.find("AWS4-HMAC-SHA256") != std::string_view::npos) signing = chunk_signing(call);
  auto decoded = aws::decode_chunked(std::move(upload.body), signing);
  if (!decoded) return decoded.error();
  const auto stated = call.http.headers.get("x-amz-decoded-content-length");
  if (stated && *stated != std::to_string(decoded->body.size()))
    return s3_error(Code::kInvalidInput, "IncompleteBody",
                    "You did not provide the number of bytes specified by the x-amz-decoded-content-length header.");
  upload.body = std::move(decoded->body);
  for (auto& [name, value] : decoded->trailers) trailers.add(std::move(name), std::move(value));
  return {};
}

Result<void> check_sums(const net::Headers& fields, Upload& upload) {
  for (const auto& [name, value] : fields.all()) {
    const std::string lower = aws::lower_case(name);
    if (!lower.starts_with(kChecksumPrefix)) continue;
    const std::string algorithm = lower.substr(kChecksumPrefix.size());
    if (algorithm == "type" || algorithm == "mode" || algorithm == "algorithm") continue;
    const auto actual = aws::checksum(algorithm, upload.body);
    if (!actual)
      return s3_error(Code::kInvalidInput, "InvalidRequest", "The checksum algorithm " + algorithm + " is not known.");
    if (*actual != value)
      return s3_error(Code::kInvalidInput, "BadDigest",
                      "The " + algorithm + " you specified did not match the calculated checksum.");
    upload.checksums.emplace_back(lower, value);
  }
  return {};
}

Result<void> check_md5(const net::Headers& headers, const Bytes& body) {
  const auto stated = headers.get("content-md5");
  if (!stated) return {};
  const auto digest = base64_decode(*stated);
  if (!digest || digest->size() != 16)
    return s3_error(Code::kInvalidInput, "InvalidDigest", "The Content-MD5 you specified was invalid.");
  if (*digest != md5(body))
    return s3_error(Code::kInvalidInput, "BadDigest", "The Content-MD5 you specified did not match what we received.");
  return {};
}

}  // namespace

Result<Upload> take_upload(Call& call) {
  Upload upload;
  net::Headers trailers;
  if (auto unwrapped = unwrap(call, upload, trailers); !unwrapped) return unwrapped.error();
  if (auto right = check_md5(call.http.headers, upload.body); !right) return right.error();
  if (auto right = check_sums(call.http.headers, upload); !right) return right.error();
  if (auto right = check_sums(trailers, upload); !right) return right.error();
  return upload;
}

}  // namespace facefleet::localcloud::s3
