// Links presigned with AWS's older signature, which `aws s3 presign` of the command line v1 still makes. Verifying
// only; we never sign so. Source: "Signing and authenticating REST requests (AWS signature version 2)" (Amazon S3 user
// guide).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace facefleet::aws {

// Whether the query claims such a signature: ?AWSAccessKeyId=…&Expires=…&Signature=….
bool is_presigned_v2(const net::HttpRequest& request);

// kDenied with S3's own reason: InvalidAccessKeyId, SignatureDoesNotMatch, AccessDenied (expired). `bucket`: the one
// that the Host names, empty if the path does. Nothing is signed of the body.
Result<void> verify_presigned_v2(
    const net::HttpRequest& request, std::string_view bucket,
    const std::function<std::optional<std::string>(std::string_view access_key_id)>& secret_of, std::int64_t wall_ms);

}  // namespace facefleet::aws
