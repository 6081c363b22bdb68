// Input: what a service answers that gives credentials, in JSON or XML. What is checked beside crashes: what is taken
// is whole, and a refusal says why.
#include <cstdint>
#include <string>

#include "aws/credential_documents.h"
#include "check.h"

namespace {

using facefleet::Result;
using facefleet::aws::CredentialDocument;
using facefleet::fuzz::check;

void check_document(const Result<CredentialDocument>& document) {
  if (!document) return check(!document.error().message.empty(), "a refusal says why");
  check(!document->credentials.access_key_id.empty(), "a key has an id");
  check(!document->credentials.secret_access_key.empty(), "a key has a secret");
#ifdef FACEFLEET_FUZZ_CANARY
  check(document->credentials.session_token != "U", "planted bug");
#endif
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_document(facefleet::aws::parse_credential_json(text));
  check_document(facefleet::aws::parse_credential_xml(text));
  return 0;
}
