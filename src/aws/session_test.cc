#include "aws/session.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "aws/endpoints.h"
#include "base/testing.h"

namespace facefleet::aws {
namespace {

using testing::HasSubstr;

TEST(RegionalEndpoint, IsThatOfTheRegionsPartition) {
  EXPECT_EQ(*regional_endpoint("sqs", "eu-central-1"), "https://sqs.eu-central-1.amazonaws.com");
  EXPECT_EQ(*regional_endpoint("s3", "us-east-1"), "https://s3.us-east-1.amazonaws.com");
  EXPECT_EQ(*regional_endpoint("ec2", "cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(*regional_endpoint("dynamodb", "us-gov-west-1"), "https://dynamodb.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(*regional_endpoint("sts", "eusc-de-east-1"), "https://sts.eusc-de-east-1.amazonaws.eu");
}

TEST(RegionalEndpoint, SendsNothingToWhatARegionsNameCannotBe) {
  for (const char* region : {"", "evil.example/", "us-east-1@evil.example", "-us", "US-EAST-1", "us east"})
    EXPECT_EQ(regional_endpoint("sqs", region).error().reason, "bad_region") << region;
}

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    set("HOME", folder_.path());
    set("AWS_EC2_METADATA_DISABLED", "true");
    std::filesystem::create_directories(folder_.path() / ".aws");
  }

  void set(const std::string& name, const std::string& value) { variables_[name] = value; }
  void write_config(const std::string& text) { std::ofstream(folder_.path() / ".aws/config") << text; }

  Result<std::unique_ptr<Session>> open() {
    return Session::open(
        context_.get_executor(), [this](const std::string& name) { return variables_[name]; }, clock_, random_,
        Log::silent());
  }

  asio::io_context context_;
  SystemClock clock_;
  SystemRandom random_;
  TemporaryFolder folder_;
  std::map<std::string, std::string> variables_;
};

TEST_F(SessionTest, WhatALaptopsSystemSetsIsEnough) {
  set("AWS_ENDPOINT_URL", "http://127.0.0.1:1/");
  set("AWS_REGION", "us-east-1");
  set("AWS_ACCESS_KEY_ID", "id");
  set("AWS_SECRET_ACCESS_KEY", "secret");
  write_config("no profile file at all\n");  // and is not read
  const auto session = open();
  ASSERT_TRUE(session) << session.error().message;
  const auto sqs = (*session)->endpoint("sqs");
  EXPECT_EQ(sqs->url, "http://127.0.0.1:1");
  EXPECT_EQ(sqs->region, "us-east-1");
  EXPECT_EQ(sqs->credentials->current()->access_key_id, "id");
  EXPECT_EQ((*session)->endpoint("s3")->credentials, sqs->credentials);  // one for all
}

TEST_F(SessionTest, AServicesOwnEndpointWins) {
  set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
  set("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2");
  set("AWS_DEFAULT_REGION", "eu-central-1");
  set("AWS_ACCESS_KEY_ID", "id");
  set("AWS_SECRET_ACCESS_KEY", "secret");
  EXPECT_EQ((*open())->endpoint("sqs")->url, "http://127.0.0.1:2");
  EXPECT_EQ((*open())->endpoint("s3")->url, "http://127.0.0.1:1");
  EXPECT_EQ((*open())->endpoint("s3")->region, "eu-central-1");
  set("AWS_REGION", "us-west-2");
  EXPECT_EQ((*open())->endpoint("s3")->region, "us-west-2");
  EXPECT_EQ((*open())->endpoint("dynamodb", "us-west-1")->region, "us-west-1");
  set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
  EXPECT_EQ((*open())->endpoint("sqs")->url, "https://sqs.us-west-2.amazonaws.com");
  EXPECT_EQ((*open())->endpoint("dynamodb", "us-west-1")->url, "https://dynamodb.us-west-1.amazonaws.com");
}

TEST_F(SessionTest, AProfileSaysAllOfIt) {
  write_config(
      "[profile work]\nregion = cn-north-1\naws_access_key_id = id\naws_secret_access_key = secret\n"
      "ca_bundle = /etc/ours.pem\nservices = ours\n[services ours]\nsqs =\n  endpoint_url = http://127.0.0.1:3\n");
  set("AWS_PROFILE", "work");
  const auto session = open();
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ((*session)->endpoint("sqs")->url, "http://127.0.0.1:3");
  EXPECT_EQ((*session)->endpoint("ec2")->url, "https://ec2.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ((*session)->endpoint("ec2")->ca_file, "/etc/ours.pem");
  set("AWS_CA_BUNDLE", "/etc/other.pem");
  EXPECT_EQ((*open())->endpoint("ec2")->ca_file, "/etc/other.pem");
}

TEST_F(SessionTest, SaysWhatIsMissing) {
  EXPECT_THAT(open().error().message, HasSubstr("AWS_REGION"));
  set("AWS_REGION", "us-east-1");
  EXPECT_EQ(open().error().code, Code::kInvalidInput);
  EXPECT_THAT(open().error().message, HasSubstr("AWS_ACCESS_KEY_ID"));
  set("AWS_ACCESS_KEY_ID", "id");
  EXPECT_THAT(open().error().message, HasSubstr("AWS_SECRET_ACCESS_KEY"));
}

TEST_F(SessionTest, ASourceThatDoesNotAnswerNowIsAskedLater) {
  set("AWS_REGION", "us-east-1");
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
  const auto session = open();
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ((*session)->endpoint("sqs")->credentials->current(), nullptr);
}

}  // namespace
}  // namespace facefleet::aws
