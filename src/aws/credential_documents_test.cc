#include "aws/credential_documents.h"

#include <gmock/gmock.h>

namespace facefleet::aws {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CredentialDocuments, Json) {
  const auto read = parse_credential_json(
      R"({"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2026-01-31T12:00:00Z","Type":"AWS-HMAC"})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->credentials.access_key_id, "A");
  EXPECT_EQ(read->credentials.secret_access_key, "S");
  EXPECT_EQ(read->credentials.session_token, "T");
  EXPECT_EQ(read->expires_ms, 1'769'860'800'000);
  EXPECT_FALSE(parse_credential_json(R"({"AccessKeyId":"A","SecretAccessKey":"S"})")->expires_ms);
}

TEST(CredentialDocuments, JsonThatHoldsNone) {
  for (const char* text :
       {"", "[]", "{}", "null", R"({"AccessKeyId":"A"})", R"({"AccessKeyId":1,"SecretAccessKey":"S"})",
        R"({"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"soon"})"})
    EXPECT_EQ(parse_credential_json(text).error().code, Code::kUnavailable) << text;
  EXPECT_THAT(parse_credential_json(R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"no"})").error().message,
              HasSubstr("AssumeRoleUnauthorizedAccess no"));
}

TEST(CredentialDocuments, AnErrorShowsNoSecret) {
  for (const char* text : {R"({"SecretAccessKey":"hidden"})", R"({"SecretAccessKey":"hidden")",
                           R"({"AccessKeyId":"A","SecretAccessKey":"hidden","Expiration":"soon"})"})
    EXPECT_THAT(parse_credential_json(text).error().message, Not(HasSubstr("hidden")));
}

TEST(CredentialDocuments, XmlThatHoldsNone) {
  const char* half =
      "<R><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>A</AccessKeyId></Credentials>"
      "</AssumeRoleWithWebIdentityResult></R>";
  for (const char* text : {"", "<a/>", "<AssumeRoleWithWebIdentityResponse/>", "{}", half})
    EXPECT_EQ(parse_credential_xml(text).error().code, Code::kUnavailable) << text;
}

}  // namespace
}  // namespace facefleet::aws
