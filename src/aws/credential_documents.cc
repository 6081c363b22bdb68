#include "aws/credential_documents.h"

#include <boost/json.hpp>

#include "aws/dates.h"
#include "aws/xml.h"

namespace facefleet::aws {
namespace {

Error unreadable(const std::string& why) {
  return {Code::kUnavailable, "credentials came in a form that cannot be read: " + why, "bad_answer"};
}

// Never with the text itself in the error: it may hold a secret.
Result<CredentialDocument> complete(Credentials credentials, std::string_view expiration) {
  if (credentials.access_key_id.empty()) return unreadable("no AccessKeyId");
  if (credentials.secret_access_key.empty()) return unreadable("no SecretAccessKey");
  CredentialDocument document{std::move(credentials), parse_iso8601(expiration)};
  if (!expiration.empty() && !document.expires_ms) return unreadable("its Expiration is no time");
  return document;
}

}  // namespace

Result<CredentialDocument> parse_credential_json(std::string_view text) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(text, failed);
  if (failed || !value.is_object()) return unreadable("it is no JSON object");
  const auto member = [&value](std::string_view name) -> std::string {
    const auto* found = value.get_object().if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  if (const std::string code = member("Code"); !code.empty() && code != "Success")
    return Error{Code::kUnavailable, "no credentials came but " + code + " " + member("Message"), "bad_answer"};
  return complete({member("AccessKeyId"), member("SecretAccessKey"), member("Token")}, member("Expiration"));
}

Result<CredentialDocument> parse_credential_xml(std::string_view text) {
  const auto document = XmlDocument::parse(text);
  if (!document) return unreadable("it is no XML");
  for (const XmlElement result : document->root().children("AssumeRoleWithWebIdentityResult")) {
    const XmlElement found = result.at("Credentials");
    return complete({std::string(found.text("AccessKeyId")), std::string(found.text("SecretAccessKey")),
                     std::string(found.text("SessionToken"))},
                    found.text("Expiration"));
  }
  return unreadable("it has no AssumeRoleWithWebIdentityResult");
}

}  // namespace facefleet::aws
