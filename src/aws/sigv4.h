// AWS Signature Version 4, signing and verifying with one canonicaliser. Pure functions.
// Source: "Create a signed AWS API request" (AWS IAM user guide); differences of S3: the path is encoded once and
// never normalised, and x-amz-content-sha256 is sent.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

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

// Adds X-Amz-Date, X-Amz-Security-Token, for S3 X-Amz-Content-Sha256, and Authorization. The request's
// Host header must be set. `payload_sha256_hex`: of the body; computed where absent.
void sign(net::HttpRequest& request, const Credentials& credentials, const Scope& scope, std::int64_t wall_ms,
          std::optional<std::string> payload_sha256_hex = std::nullopt);

struct Verified {
  std::string access_key_id;
  Scope scope;
};

// Verifies an Authorization header or a presigned query. `secret_of` returns the secret of an access key id. kDenied
// with AWS's own reason: MissingAuthenticationToken, InvalidClientTokenId (S3: InvalidAccessKeyId),
// SignatureDoesNotMatch, RequestTimeTooSkewed (S3), RequestExpired, IncompleteSignature; kInvalidInput
// with XAmzContentSHA256Mismatch where the body is not what was signed. Any region is accepted.
Result<Verified> verify(const net::HttpRequest& request,
                        const std::function<std::optional<std::string>(std::string_view access_key_id)>& secret_of,
                        std::int64_t wall_ms);

}  // namespace facefleet::aws
