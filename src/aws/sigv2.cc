#include "aws/sigv2.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include "aws/wire.h"
#include "base/hash.h"

namespace facefleet::aws {
namespace {

// The query parameters that are part of what is signed; all others are not.
constexpr std::array<std::string_view, 26> kSigned{
    "accelerate",
    "acl",
    "cors",
    "delete",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
};

struct Claim {
  std::string access_key_id;
  std::string expires;
  std::string signature;
};

Claim read_claim(const net::HttpRequest& request) {
  Claim claim;
  for (auto& [name, value] : net::parse_form(request.query())) {
    if (name == "AWSAccessKeyId") {
      claim.access_key_id = std::move(value);
    } else if (name == "Expires") {
      claim.expires = std::move(value);
    } else if (name == "Signature") {
      claim.signature = std::move(value);
    }
  }
  return claim;
}

// The path as it was sent, and the signed parameters, sorted, their values decoded.
std::string canonical_resource(const net::HttpRequest& request, std::string_view bucket) {
  std::string resource;
  if (!bucket.empty()) resource.append("/").append(bucket);
  resource.append(request.path());
  std::vector<std::pair<std::string, std::string>> parameters;
  for (auto& [name, value] : net::parse_form(request.query()))
    if (std::ranges::find(kSigned, name) != kSigned.end()) parameters.emplace_back(std::move(name), std::move(value));
  std::ranges::sort(parameters);
  char mark = '?';
  for (const auto& [name, value] : parameters) {
    resource += std::exchange(mark, '&');
    resource += name;
    if (!value.empty()) resource.append("=").append(value);
  }
  return resource;
}

// x-amz- fields by name, fields of one name joined; a security token may stand in the query instead.
std::string canonical_fields(const net::HttpRequest& request) {
  std::map<std::string, std::string> fields;
  const auto add = [&fields](std::string_view name, std::string_view value) {
    std::string lower = lower_case(name);
    if (!lower.starts_with("x-amz-")) return;
    std::string& joined = fields[std::move(lower)];
    if (!joined.empty()) joined += ',';
    joined += value;
  };
  for (const auto& [name, value] : request.headers.all()) add(name, value);
  for (const auto& [name, value] : net::parse_form(request.query()))
    if (lower_case(name) == "x-amz-security-token") add(name, value);
  std::string out;
  for (const auto& [name, value] : fields) out.append(name).append(":").append(value).append("\n");
  return out;
}

}  // namespace

bool is_presigned_v2(const net::HttpRequest& request) {
  return request.query().find("AWSAccessKeyId=") != std::string_view::npos &&
         request.query().find("Signature=") != std::string_view::npos;
}

Result<void> verify_presigned_v2(
    const net::HttpRequest& request, std::string_view bucket,
    const std::function<std::optional<std::string>(std::string_view access_key_id)>& secret_of, std::int64_t wall_ms) {
  const Claim claim = read_claim(request);
  const auto secret = secret_of(claim.access_key_id);
  if (!secret)
    return Error{Code::kDenied, "The AWS Access Key Id you provided does not exist in our records.",
                 "InvalidAccessKeyId"};
  std::int64_t expires_s = 0;
  const auto parsed = std::from_chars(claim.expires.data(), claim.expires.data() + claim.expires.size(), expires_s);
  if (parsed.ec != std::errc() || parsed.ptr != claim.expires.data() + claim.expires.size())
    return Error{Code::kDenied, "Invalid date (should be seconds since epoch): " + claim.expires, "AccessDenied"};
  if (expires_s < wall_ms / 1'000) return Error{Code::kDenied, "Request has expired", "AccessDenied"};
  std::string to_sign = request.method;
  to_sign.append("\n").append(request.headers.get("content-md5").value_or(""));
  to_sign.append("\n").append(request.headers.get("content-type").value_or(""));
  to_sign.append("\n").append(claim.expires).append("\n");
  to_sign.append(canonical_fields(request)).append(canonical_resource(request, bucket));
  if (!equal_constant_time(base64(hmac_sha1(*secret, to_sign)), claim.signature))
    return Error{Code::kDenied,
                 "The request signature we calculated does not match the signature you provided. Check your key and "
                 "signing method.",
                 "SignatureDoesNotMatch"};
  return {};
}

}  // namespace facefleet::aws
