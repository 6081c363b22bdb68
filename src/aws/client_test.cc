#include "aws/client.h"

#include <gtest/gtest.h>

#include "aws/test_service.h"
#include "net/test_peers.h"

namespace facefleet::aws {
namespace {

using asio::ip::tcp;

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

TEST(Client, WritesWhatIsNotIdempotentOnceThoughAKeptConnectionBreaks) {
  TestService service;
  tcp::acceptor acceptor(service.context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  Endpoint endpoint = service.endpoint();
  endpoint.url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  const auto client =
      Client::open(service.context().get_executor(), std::move(endpoint), "sqs", service.clock(), service.random())
          .value();
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  bool served = false;
  asio::co_spawn(
      service.context(),
      [&]() -> Task<> {
        net::RawPeer kept(co_await acceptor.async_accept(asio::use_awaitable));
        co_await kept.read_until("[1]");
        co_await kept.write(ok);
        co_await kept.read_until("[2]");
        kept.close();  // it is done, and nobody hears of it
        net::RawPeer next(co_await acceptor.async_accept(asio::use_awaitable));
        const std::string request = co_await next.read_until("]");
        EXPECT_TRUE(request.ends_with("[3]")) << request;
        co_await next.write(ok);
        served = true;
      },
      [](const std::exception_ptr& failure) { EXPECT_FALSE(failure); });
  EXPECT_TRUE(service.run(client->call(post("[1]"), Millis{30'000}, false)));
  const auto broken = service.run(client->call(post("[2]"), Millis{30'000}, false));
  EXPECT_TRUE(!broken && broken.error().code == Code::kUnavailable);
  EXPECT_TRUE(service.run(client->call(post("[3]"), Millis{30'000}, false)));
  EXPECT_TRUE(served);
}

TEST(Client, RetriesWhatWasThrottledWhateverItIs) {
  TestService service;
  const auto client = service.open_client("ec2");
  service.answer(503,
                 "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message/></Error></Errors></Response>");
  service.answer(429, "");
  service.answer(200, "done");
  const auto response = service.run(client->call(post("launch"), Millis{30'000}, false));
  ASSERT_TRUE(response) << response.error().message;
  ASSERT_EQ(service.requests().size(), 3u);
  EXPECT_EQ(service.requests()[2].body, "launch");
}

TEST(Client, WaitsNoShorterThanAsked) {
  TestService service;  // whose clients' own pauses are nothing
  const auto client = service.open_client("sqs");
  const std::string throttled = R"({"__type":"ThrottlingException","message":"slower"})";
  service.answer(400, throttled, {{"x-amz-retry-after", "30"}});
  service.answer(503, "", {{"Retry-After", "0"}});
  service.answer(200, "done");
  const MonoTime began = service.clock().now();
  ASSERT_TRUE(service.run(client->call(post(""), Millis{30'000}, true)));
  EXPECT_GE(service.clock().now() - began, Millis{30});
  // Longer than there is time: the answer is the last one's.
  for (const auto& [name, value] :
       {std::pair("Retry-After", "60"), std::pair("Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"),
        std::pair("x-amz-retry-after", "60000")}) {
    service.answer(400, throttled, {{name, value}});
    EXPECT_EQ(service.run(client->call(post(""), Millis{30'000}, true)).error().code, Code::kBusy) << value;
  }
  EXPECT_EQ(service.requests().size(), 6u);
}

TEST(Client, TakesTheServicesClockWhereItsOwnIsWrong) {
  TestService service;
  ManualClock slow;  // years ago
  Endpoint endpoint = service.endpoint();
  const auto client =
      Client::open(service.context().get_executor(), std::move(endpoint), "s3", slow, service.random()).value();
  service.accept_any_signature();
  const std::string skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>too far</Message></Error>";
  service.answer(403, skewed);  // with a Date
  service.answer(200, "done");
  service.answer(200, "again");
  ASSERT_TRUE(service.run(client->call(post("launch"), Millis{30'000}, false)));
  ASSERT_TRUE(service.run(client->call(post("launch"), Millis{30'000}, false)));
  ASSERT_EQ(service.requests().size(), 3u);
  const std::string year = iso8601(service.clock().wall_ms()).substr(0, 4);
  EXPECT_FALSE(service.requests()[0].headers.get("x-amz-date")->starts_with(year));
  EXPECT_TRUE(service.requests()[1].headers.get("x-amz-date")->starts_with(year));
  EXPECT_TRUE(service.requests()[2].headers.get("x-amz-date")->starts_with(year));
}

TEST(Client, ARightClockIsNotSetAndGoodKeysAreNotRenewedForever) {
  TestService service;
  const auto client = service.open_client("s3");
  service.answer(403, "<Error><Code>RequestTimeTooSkewed</Code><Message>no</Message></Error>");
  const auto response = service.run(client->call(post(""), Millis{30'000}, true));
  EXPECT_EQ(response.error().code, Code::kDenied);
  EXPECT_EQ(response.error().reason, "RequestTimeTooSkewed");
  EXPECT_EQ(service.requests().size(), 1u);
}

// A source that gives key after key.
struct NumberedKeys {
  int given = 0;
  Task<Result<Granted>> next() {
    Granted granted{{"KEY" + std::to_string(++given), "secret", ""}, std::nullopt, "a test"};
    co_return granted;
  }
};

TEST(Client, RenewsKeysThatAreRefusedAndRepeatsTheCall) {
  TestService service;
  NumberedKeys keys;
  Endpoint endpoint = service.endpoint();
  endpoint.credentials = SharedCredentials::open(
      service.context().get_executor(), [&keys] { return keys.next(); }, std::nullopt, service.clock(),
      service.random(), Log::silent());
  const auto client =
      Client::open(service.context().get_executor(), std::move(endpoint), "sqs", service.clock(), service.random())
          .value();
  const std::string expired = R"({"__type":"ExpiredToken","message":"The security token is expired"})";
  service.answer(403, expired);
  service.answer(200, "done");
  const auto response = service.run(client->call(post("launch"), Millis{30'000}, false));
  ASSERT_TRUE(response) << response.error().message;
  ASSERT_EQ(service.requests().size(), 2u);
  const auto signed_by = [&service](std::size_t i) { return *service.requests().at(i).headers.get("authorization"); };
  EXPECT_NE(signed_by(0).find("KEY1/"), std::string::npos) << signed_by(0);
  EXPECT_NE(signed_by(1).find("KEY2/"), std::string::npos) << signed_by(1);
  // Once a call.
  service.answer(403, expired);
  service.answer(403, expired);
  const auto refused = service.run(client->call(post(""), Millis{30'000}, true));
  EXPECT_EQ(refused.error().code, Code::kDenied);
  EXPECT_EQ(refused.error().reason, "ExpiredToken");
  EXPECT_NE(refused.error().message.find("a test"), std::string::npos) << refused.error().message;
  EXPECT_EQ(keys.given, 3);
}

TEST(Client, WithoutKeysNothingIsSent) {
  TestService service;
  Endpoint endpoint = service.endpoint();
  endpoint.credentials = SharedCredentials::open(
      service.context().get_executor(),
      []() -> Task<Result<Granted>> {
        co_return Error{Code::kInvalidInput, "there are none", "no_credentials"};
      },
      std::nullopt, service.clock(), service.random(), Log::silent());
  const auto client =
      Client::open(service.context().get_executor(), std::move(endpoint), "sqs", service.clock(), service.random())
          .value();
  EXPECT_EQ(service.run(client->call(post(""), Millis{30'000}, true)).error().message, "there are none");
  EXPECT_TRUE(service.requests().empty());
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

}  // namespace
}  // namespace facefleet::aws
