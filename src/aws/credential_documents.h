// Credentials as services write them. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/result.h"

namespace facefleet::aws {

struct CredentialDocument {
  Credentials credentials;
  std::optional<std::int64_t> expires_ms;
};

// The JSON of instance metadata and of containers: AccessKeyId, SecretAccessKey, Token, Expiration. kUnavailable if it
// has another form, or says so itself (`"Code": "Failed"`).
Result<CredentialDocument> parse_credential_json(std::string_view text);

// The XML that STS answers an AssumeRole… with. kUnavailable if it has another form.
Result<CredentialDocument> parse_credential_xml(std::string_view text);

}  // namespace facefleet::aws
