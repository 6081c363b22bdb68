#include "aws/client.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "aws/test_service.h"

namespace facefleet::aws {
namespace {

net::HttpRequest post(std::string body) {
  net::HttpRequest request;
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

TEST(Client, SignsWhatItSends) {
  TestService service;  // which checks the signature
  const auto client = service.open_client("sqs");
  service.answer(200, "yes", {{"X-Answer", "1"}});
  const auto response = service.run(client->call(post("question"), Millis{5'000}, false));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "yes");
  EXPECT_EQ(response->headers.get("x-answer"), "1");
  ASSERT_EQ(service.requests().size(), 1u);
  EXPECT_EQ(service.requests()[0].body, "question");
  EXPECT_EQ(service.requests()[0].headers.get("user-agent"), "facefleet");
}

TEST(Client, S3BodiesAreNotHashedOnTheirWayThroughTheKernel) {
  TestService service;
  const auto client = service.open_client("s3");
  service.answer(200, "");
  ASSERT_TRUE(service.run(client->call(post("photo"), Millis{5'000}, true)));
  EXPECT_EQ(service.requests().at(0).headers.get("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
}

TEST(Client, RetriesWhatIsIdempotentUntilItSucceeds) {
  TestService service;
  const auto client = service.open_client("sqs");
  service.answer(503, "");
  service.answer(400, R"({"__type":"ThrottlingException","message":"slower"})");
  service.answer(200, "done");
  const auto response = service.run(client->call(post("again and again"), Millis{30'000}, true));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "done");
  ASSERT_EQ(service.requests().size(), 3u);
  EXPECT_EQ(service.requests()[2].body, "again and again");
}

TEST(Client, DoesNotRetryWhatIsNot) {
  TestService service;
  const auto client = service.open_client("ec2");
  service.answer(503, "");
  const auto response = service.run(client->call(post("launch"), Millis{30'000}, false));
  EXPECT_EQ(response.error().code, Code::kUnavailable);
  EXPECT_EQ(service.requests().size(), 1u);
}

TEST(Client, DoesNotRetryWhatWillAlwaysFail) {
  TestService service;
  const auto client = service.open_client("s3");
  service.answer(404, "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>");
  const auto response = service.run(client->call(post(""), Millis{30'000}, true));
  EXPECT_EQ(response.error().code, Code::kNotFound);
  EXPECT_EQ(response.error().reason, "NoSuchKey");
  EXPECT_EQ(service.requests().size(), 1u);
}

TEST(Client, RetriesUseUpABudget) {
  TestService service;
  const auto client = service.open_client("sqs");
  // 500 tokens pay for 100 retries at 5 each, and only successes bring any back. Each call here is retried once.
  int calls = 0;
  for (; calls < 200; ++calls) {
    service.answer(500, "");
    service.answer(400, "");
    ASSERT_FALSE(service.run(client->call(post(""), Millis{30'000}, true)));
    if (service.requests().size() < static_cast<std::size_t>(2 * (calls + 1))) break;
  }
  EXPECT_EQ(calls, 100);
}

TEST(Client, NotModifiedIsAResult) {
  TestService service;
  const auto client = service.open_client("s3");
  service.answer(304, "");
  EXPECT_EQ(service.run(client->call(post(""), Millis{5'000}, true))->status, 304);
}

TEST(Client, RefusesAnEndpointThatIsNone) {
  asio::io_context context;
  SystemClock clock;
  SystemRandom random;
  for (const char* url : {"", "localhost:9324", "ftp://localhost", "http://localhost/path"}) {
    Endpoint endpoint;
    endpoint.url = url;
    EXPECT_EQ(Client::open(context.get_executor(), endpoint, "sqs", clock, random).error().code, Code::kInvalidInput)
        << url;
  }
}

class Environment : public testing::Test {
 protected:
  void SetUp() override { clear(); }
  void TearDown() override { clear(); }

  static void clear() {
    for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_REGION", "AWS_DEFAULT_REGION",
                             "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
      unsetenv(name);
  }
  static void set(const char* name, const char* value) { setenv(name, value, 1); }
};

TEST_F(Environment, SaysWhatIsMissing) {
  set("AWS_REGION", "us-east-1");
  set("AWS_ACCESS_KEY_ID", "id");
  const auto endpoint = endpoint_from_environment("sqs");
  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().code, Code::kInvalidInput);
  EXPECT_NE(endpoint.error().message.find("AWS_ENDPOINT_URL, AWS_SECRET_ACCESS_KEY"), std::string::npos)
      << endpoint.error().message;
}

TEST_F(Environment, AServicesOwnEndpointWins) {
  set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
  set("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2");
  set("AWS_DEFAULT_REGION", "eu-central-1");
  set("AWS_ACCESS_KEY_ID", "id");
  set("AWS_SECRET_ACCESS_KEY", "secret");
  set("AWS_SESSION_TOKEN", "token");
  EXPECT_EQ(endpoint_from_environment("sqs")->url, "http://127.0.0.1:2");
  EXPECT_EQ(endpoint_from_environment("s3")->url, "http://127.0.0.1:1");
  EXPECT_EQ(endpoint_from_environment("s3")->region, "eu-central-1");
  EXPECT_EQ(endpoint_from_environment("s3")->credentials.session_token, "token");
  set("AWS_REGION", "us-west-2");
  EXPECT_EQ(endpoint_from_environment("s3")->region, "us-west-2");
}

}  // namespace
}  // namespace facefleet::aws
