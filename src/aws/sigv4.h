// AWS Signature Version 4, signing and verifying with one canonicaliser.
// Source: "Create a signed AWS API request" (AWS IAM user guide); differences of S3: the path is encoded once and
// never normalised, and x-amz-content-sha256 is sent.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace facefleet::aws {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty where there is none
};

struct Scope {
  std::string region;
  std::string service;  // "sqs", "s3", "ec2"
};

// Signing keys are good for a day, region and service, and cost four HMACs (5 us) to derive: this remembers the last
// few. Whoever signs or verifies many requests keeps one. Not thread-safe.
class SigningKeys {
 public:
  // `date`: YYYYMMDD. The reference holds until the next call.
  const std::string& get(std::string_view secret, std::string_view date, const Scope& scope);

 private:
  struct Entry {
    std::string secret, date, region, service, key;
  };
  std::vector<Entry> entries_;
  std::size_t oldest_ = 0;
};

// What S3 accepts in place of the body's hash, over TLS and without.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// Adds X-Amz-Date, X-Amz-Security-Token, for S3 X-Amz-Content-Sha256, and Authorization. The request's
// Host header must be set. `payload_sha256_hex`: of the body; computed where absent. For S3 it may be kUnsignedPayload.
// All headers are signed but those that hops and clients change on the way.
void sign(net::HttpRequest& request, const Credentials& credentials, const Scope& scope, std::int64_t wall_ms,
          std::optional<std::string> payload_sha256_hex = std::nullopt, SigningKeys* keys = nullptr);

struct Verified {
  std::string access_key_id;
  Scope scope;
  std::string payload;  // what was signed of the body: its SHA-256 in hexadecimal, or a marker
};

// Whether `payload` is a marker in place of a hash: UNSIGNED-PAYLOAD, STREAMING-….
bool is_payload_marker(std::string_view payload);

// Verifies an Authorization header or a presigned query. `secret_of` returns the secret of an access key id. kDenied
// with AWS's own reason: MissingAuthenticationToken, InvalidClientTokenId (S3: InvalidAccessKeyId; EC2: AuthFailure),
// SignatureDoesNotMatch (EC2: AuthFailure), RequestTimeTooSkewed (S3; EC2: RequestExpired; others:
// SignatureDoesNotMatch), IncompleteSignature, AccessDenied (a presigned URL has expired, or an x-amz- header is not
// signed); kInvalidInput with XAmzContentSHA256Mismatch where the body is not what was signed. Any region is accepted.
// Payload markers (UNSIGNED-PAYLOAD, STREAMING-…) are accepted from S3 clients; chunk signatures are not looked at.
Result<Verified> verify(const net::HttpRequest& request,
                        const std::function<std::optional<std::string>(std::string_view access_key_id)>& secret_of,
                        std::int64_t wall_ms, SigningKeys* keys = nullptr);

// As verify, for a request to S3 whose body has not come yet: S3's clients state its hash in a header, so that the
// signature can be judged by that; whoever reads the body compares it with `payload`.
Result<Verified> verify_head(const net::HttpRequest& request,
                             const std::function<std::optional<std::string>(std::string_view access_key_id)>& secret_of,
                             std::int64_t wall_ms, SigningKeys* keys = nullptr);

}  // namespace facefleet::aws
