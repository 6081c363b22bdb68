#include "aws/credential_sources.h"

#include <gmock/gmock.h>

#include <deque>
#include <fstream>
#include <map>

#include "aws/imds.h"
#include "aws/test_service.h"
#include "base/testing.h"
#include "net/http_server.h"

namespace facefleet::aws {
namespace {

using testing::HasSubstr;

constexpr const char* kKeys = R"({"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"secret","Token":"token",)"
                              R"("Expiration":"2099-01-31T12:00:00Z"})";
constexpr std::int64_t kExpires_ms = 4'073'544'000'000;

// The sources in an environment and a home folder of the test's own, and a server that answers as it says.
class SourcesTest : public testing::Test {
 protected:
  SourcesTest() {
    server_ = net::HttpServer::listen(
                  context_.get_executor(), {},
                  [](const net::HttpRequest&) {
                    return net::Admission{1u << 20, std::nullopt};
                  },
                  [this](net::HttpRequest& request) { return handle(request); }, Log::silent())
                  .value();
    set("HOME", folder_.path());
    set("AWS_EC2_METADATA_DISABLED", "true");
  }

  void set(const std::string& name, const std::string& value) { variables_[name] = value; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }

  // Lays out an answer to `METHOD target`; the last one given is repeated.
  void answer(const std::string& what, int status, std::string body) {
    answers_[what].push_back(net::HttpResponse::text(status, std::move(body)));
  }

  Surroundings around() {
    return {[this](const std::string& name) { return variables_[name]; }, url(), "", clock_, random_};
  }

  Result<Granted> find() {
    const Surroundings where = around();
    return run_task(context_, find_credentials(where));
  }

  std::string key_of(const Result<Granted>& granted) {
    return granted ? granted->credentials.access_key_id : granted.error().message;
  }

  const net::HttpRequest& last() const { return requests_.back(); }

  Task<net::HttpResponse> handle(net::HttpRequest& request) {
    requests_.push_back(request);
    auto& left = answers_[request.method + " " + request.target];
    if (left.empty()) co_return net::HttpResponse::text(404, "");
    net::HttpResponse response = left.front();
    if (left.size() > 1) left.pop_front();
    co_return response;
  }

  asio::io_context context_;
  SystemClock clock_;
  LeastRandom random_;
  TemporaryFolder folder_;
  std::map<std::string, std::string> variables_;
  std::map<std::string, std::deque<net::HttpResponse>> answers_;
  std::vector<net::HttpRequest> requests_;
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(SourcesTest, SaysWhereItLookedInVain) {
  const auto found = find();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kInvalidInput);
  EXPECT_EQ(found.error().reason, "no_credentials");
  for (const char* tried : {"AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE", "the profile 'default'",
                            "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_DISABLED", "facefleet env"})
    EXPECT_THAT(found.error().message, HasSubstr(tried));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(SourcesTest, TheFirstThatHasAnyIsTaken) {
  write(".aws/credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n");
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url() + "/keys");
  answer("GET /keys", 200, kKeys);
  EXPECT_EQ(key_of(find()), "FILE");
  set("AWS_ACCESS_KEY_ID", "ENV");
  EXPECT_THAT(key_of(find()), HasSubstr("AWS_SECRET_ACCESS_KEY"));  // half a key is a mistake, not nothing
  set("AWS_SECRET_ACCESS_KEY", "s");
  set("AWS_SESSION_TOKEN", "t");
  const auto found = find();
  EXPECT_EQ(key_of(found), "ENV");
  EXPECT_EQ(found->credentials.session_token, "t");
  EXPECT_FALSE(found->expires_ms);
  EXPECT_TRUE(requests_.empty());
}

TEST_F(SourcesTest, AProfileThatChangesIsReadAgain) {
  write(".aws/credentials", "[default]\naws_access_key_id = OLD\naws_secret_access_key = s\n");
  EXPECT_EQ(key_of(find()), "OLD");
  write(".aws/credentials", "[default]\naws_access_key_id = NEW\naws_secret_access_key = s\n");
  EXPECT_EQ(key_of(find()), "NEW");
}

TEST_F(SourcesTest, AProfileOfAnotherWayIsNamedNotPassedOver) {
  write(".aws/config", "[profile work]\ncredential_process = /bin/keys\n");
  set("AWS_PROFILE", "work");
  EXPECT_THAT(key_of(find()), HasSubstr("credential_process"));
  EXPECT_THAT(key_of(find()), HasSubstr("aws configure export-credentials --profile work"));
  set("AWS_PROFILE", "play");
  EXPECT_THAT(key_of(find()), HasSubstr("'play'"));
}

TEST_F(SourcesTest, AWebIdentityIsExchangedForKeys) {
  set("AWS_WEB_IDENTITY_TOKEN_FILE", write("token", "a.b/c+d=\n"));
  EXPECT_THAT(key_of(find()), HasSubstr("AWS_ROLE_ARN"));
  set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/worker");
  set("AWS_ROLE_SESSION_NAME", "me");
  answer("POST /", 503, "");
  answer("POST /", 400,
         "<ErrorResponse><Error><Code>IDPCommunicationError</Code><Message>again</Message></Error></ErrorResponse>");
  answer("POST /", 200,
         R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>2099-01-31T12:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>)");
  const auto found = find();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->credentials.access_key_id, "ASIA");
  EXPECT_EQ(found->credentials.session_token, "t");
  EXPECT_EQ(found->expires_ms, kExpires_ms);
  EXPECT_EQ(requests_.size(), 3u);
  EXPECT_EQ(last().body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole"
            "%2Fworker&RoleSessionName=me&WebIdentityToken=a.b%2Fc%2Bd%3D");
  EXPECT_FALSE(last().headers.get("authorization"));
  // Kubernetes writes a new token into the same file.
  write("token", "second");
  ASSERT_TRUE(find());
  EXPECT_THAT(last().body, testing::EndsWith("=second"));
}

TEST_F(SourcesTest, ARoleThatIsRefusedIsNoReasonToLookElsewhere) {
  set("AWS_WEB_IDENTITY_TOKEN_FILE", write("token", "t"));
  set("AWS_ROLE_ARN", "arn:aws:iam::1:role/worker");
  write(".aws/credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n");
  answer("POST /", 403,
         "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>");
  const auto found = find();
  EXPECT_EQ(found.error().code, Code::kDenied);
  EXPECT_THAT(found.error().message, HasSubstr("role/worker: not you"));
  set("AWS_WEB_IDENTITY_TOKEN_FILE", folder_.path() / "none");
  EXPECT_THAT(key_of(find()), HasSubstr("AWS_WEB_IDENTITY_TOKEN_FILE: "));
}

TEST_F(SourcesTest, AContainersKeysComeForItsToken) {
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url() + "/keys?of=me");
  answer("GET /keys?of=me", 500, "");
  answer("GET /keys?of=me", 200, kKeys);
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer first");
  const auto found = find();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->credentials.access_key_id, "AKID");
  EXPECT_EQ(found->credentials.session_token, "token");
  EXPECT_EQ(found->expires_ms, kExpires_ms);
  EXPECT_EQ(last().headers.get("authorization"), "Bearer first");
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", write("token", "Bearer second\n"));
  ASSERT_TRUE(find());
  EXPECT_EQ(last().headers.get("authorization"), "Bearer second");
  write("token", "Bearer\r\nX-Other: 1");
  EXPECT_THAT(key_of(find()), HasSubstr("more than one line"));
}

TEST_F(SourcesTest, KeysAreNotAskedForOverAnOpenNetwork) {
  for (const char* uri :
       {"http://example.org/keys", "http://169.254.170.3/", "http://10.0.0.1/", "ftp://x", "http://[fd00::1]/"}) {
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
    const auto found = find();
    EXPECT_EQ(found.error().code, Code::kInvalidInput) << uri;
    EXPECT_EQ(found.error().reason, "bad_uri") << uri;
  }
}

TEST_F(SourcesTest, AnInstancesRoleHasKeys) {
  set("AWS_EC2_METADATA_DISABLED", "");
  set("AWS_EC2_METADATA_SERVICE_ENDPOINT", url() + "/");
  const std::string folder = "GET /latest/meta-data/iam/security-credentials/";
  answer("PUT /latest/api/token", 200, "t");
  EXPECT_THAT(key_of(find()), HasSubstr("this instance has no role"));
  answer(folder, 200, "worker\n");
  answer(folder + "worker", 200, kKeys);
  const auto found = find();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->credentials.access_key_id, "AKID");
  EXPECT_EQ(found->expires_ms, kExpires_ms);
  EXPECT_EQ(last().headers.get("x-aws-ec2-metadata-token"), "t");
}

TEST_F(SourcesTest, AnInstancesExpiredKeysAreUsedUntilItHasOthers) {
  set("AWS_EC2_METADATA_DISABLED", "");
  set("AWS_EC2_METADATA_SERVICE_ENDPOINT", url());
  const std::string folder = "GET /latest/meta-data/iam/security-credentials/";
  answer("PUT /latest/api/token", 200, "t");
  answer(folder, 200, "worker");
  std::string old = kKeys;
  old.replace(old.find("2099"), 4, "2020");
  answer(folder + "worker", 200, old);
  const auto found = find();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_GT(*found->expires_ms, clock_.wall_ms());
}

TEST_F(SourcesTest, AnInstanceWhoseServiceFailsIsStillOne) {
  set("AWS_EC2_METADATA_DISABLED", "");
  set("AWS_EC2_METADATA_SERVICE_ENDPOINT", url());
  answer("PUT /latest/api/token", 503, "");
  EXPECT_EQ(find().error().code, Code::kUnavailable);
  set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
  EXPECT_THAT(key_of(find()), HasSubstr("nobody answers at http://127.0.0.1:1"));
}

TEST(ImdsUrl, IsEc2sUnlessTheEnvironmentNamesAnother) {
  std::map<std::string, std::string> variables;
  const Environment environment = [&variables](const std::string& name) { return variables[name]; };
  EXPECT_EQ(Imds::url_from_environment(environment), "http://169.254.169.254");
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "IPv6";
  EXPECT_EQ(Imds::url_from_environment(environment), "http://[fd00:ec2::254]");
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:8";
  EXPECT_EQ(Imds::url_from_environment(environment), "http://127.0.0.1:8");
}

}  // namespace
}  // namespace facefleet::aws
