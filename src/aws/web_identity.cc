// Web identity: a file holds a token that says who this is (Kubernetes writes it); STS gives the keys of a role for it.
#include <algorithm>

#include "aws/credential_ask.h"
#include "aws/credential_documents.h"
#include "aws/credential_sources.h"
#include "aws/error_forms.h"
#include "aws/profile_files.h"
#include "base/file.h"

namespace facefleet::aws {
namespace {

struct WebIdentity {
  std::string token_file, role, session;
};

// From the environment, else from the profile.
Result<WebIdentity> find_identity(const Environment& environment) {
  WebIdentity identity{environment("AWS_WEB_IDENTITY_TOKEN_FILE"), environment("AWS_ROLE_ARN"),
                       environment("AWS_ROLE_SESSION_NAME")};
  if (identity.token_file.empty()) {
    const auto profile = load_profile(environment);
    if (!profile) return profile.error();
    identity = {profile->get("web_identity_token_file"), profile->get("role_arn"), profile->get("role_session_name")};
  }
  if (identity.token_file.empty()) return Error{Code::kNotFound, "AWS_WEB_IDENTITY_TOKEN_FILE is not set", ""};
  if (identity.role.empty())
    return Error{Code::kInvalidInput,
                 "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not the role to take on with it: set AWS_ROLE_ARN.",
                 "no_role"};
  return identity;
}

std::string form(const WebIdentity& identity, std::string_view token, Random& random) {
  const std::string session = identity.session.empty() ? "facefleet-" + random_hex(random, 16) : identity.session;
  return "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + net::percent_encode(identity.role) +
         "&RoleSessionName=" + net::percent_encode(session) + "&WebIdentityToken=" + net::percent_encode(token);
}

}  // namespace

Task<Result<Granted>> credentials_of_web_identity(const Surroundings& around) {
  const auto identity = find_identity(around.environment);
  if (!identity) co_return identity.error();
  auto token = read_file(identity->token_file);
  if (!token) co_return Error{Code::kInvalidInput, "AWS_WEB_IDENTITY_TOKEN_FILE: " + token.error().message, "no_token"};
  token->erase(token->find_last_not_of(" \t\r\n") + 1);
  if (around.sts_url.empty())
    co_return Error{Code::kInvalidInput,
                    "To take on " + identity->role + " with a web identity, STS must be found: set AWS_REGION.",
                    "no_region"};
  Ask question;
  question.url = around.sts_url;
  question.ca_file = around.ca_file;
  question.request.method = "POST";
  question.request.headers.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  question.request.body = form(*identity, *token, around.random);
  const auto answer = co_await ask(std::move(question), around.random);
  if (!answer) co_return answer.error();
  if (answer->status != 200) {
    Error refused = error_of(*answer);
    refused.message = "STS does not give the keys of " + identity->role + ": " + refused.message;
    // Whatever STS calls not found is there to be put right, and no reason to look elsewhere for keys.
    if (refused.code == Code::kNotFound) refused.code = Code::kDenied;
    co_return refused;
  }
  auto document = parse_credential_xml(answer->body);
  if (!document) co_return document.error();
  co_return Granted{std::move(document->credentials), document->expires_ms, "STS for " + identity->role};
}

}  // namespace facefleet::aws
