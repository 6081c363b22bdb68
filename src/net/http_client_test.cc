#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/testing.h"
#include "net/http_server.h"
#include "net/test_peers.h"

namespace facefleet::net {
namespace {

using asio::ip::tcp;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr Millis kLong{60'000};
constexpr auto kAsTuple = asio::as_tuple(asio::deferred);
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

HttpRequest get(std::string target) {
  HttpRequest request;
  request.target = std::move(target);
  return request;
}

HttpRequest post(std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

// The client against a server that does, byte by byte, what the test says.
class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() : acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    options_.port = acceptor_.local_endpoint().port();
  }

  void open() { client_ = HttpClient::open(context_.get_executor(), options_); }

  Task<RawPeer> accept() {
    tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    co_return RawPeer(std::move(socket));
  }

  // Runs the server's side and the test's to their ends.
  void run(Task<> server, Task<> test) {
    std::exception_ptr failure;
    bool served = false;
    asio::co_spawn(context_, std::move(server), [&](const std::exception_ptr& error) {
      failure = error;
      served = true;
    });
    run_task(context_, std::move(test));
    while (!served) ASSERT_GT(context_.run_one(), 0u);
    if (failure) std::rethrow_exception(failure);
  }

  // What the client makes of one response that is sent as `bytes`, after which the server closes.
  Result<HttpResponse> response_from(std::string bytes, std::string method = "GET") {
    open();
    Result<HttpResponse> out = HttpResponse();
    run(
        [&]() -> Task<> {
          RawPeer peer = co_await accept();
          co_await peer.read_until("\r\n\r\n");
          co_await peer.write(bytes);
        }(),
        [&]() -> Task<> {
          HttpRequest request = get("/");
          request.method = method;
          out = co_await client_->send(std::move(request), kLong);
        }());
    return out;
  }

  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  ClientOptions options_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, WritesARequestAsItIsToldTo) {
  open();
  run(
      [&]() -> Task<> {
        RawPeer peer = co_await accept();
        const std::string request = co_await peer.read_until("{}");
        EXPECT_THAT(request, StartsWith("POST /a%20b?c HTTP/1.1\r\n"));
        EXPECT_THAT(request, HasSubstr("\r\nHost: 127.0.0.1:" + std::to_string(options_.port) + "\r\n"));
        EXPECT_THAT(request, HasSubstr("\r\nX-MiXed: a b\r\n"));
        EXPECT_THAT(request, HasSubstr("\r\nContent-Length: 2\r\n\r\n{}"));
        co_await peer.write(std::string(kOk));
        const std::string second = co_await peer.read_until("\r\n\r\n");
        EXPECT_THAT(second, AllOf(HasSubstr("\r\nHost: bucket.s3\r\n"), Not(HasSubstr("127.0.0.1"))));
        EXPECT_THAT(second, Not(HasSubstr("Content-Length")));
        co_await peer.write(std::string(kOk));
      }(),
      [&]() -> Task<> {
        HttpRequest first = post("{}");
        first.target = "/a%20b?c";
        first.headers.add("X-MiXed", "a\nb");
        const auto response = co_await client_->send(std::move(first), kLong);
        EXPECT_EQ(response->status, 200);
        EXPECT_EQ(response->body, "ok");
        HttpRequest second = get("/");
        second.headers.add("Host", "bucket.s3");
        const auto other = co_await client_->send(std::move(second), kLong);
        EXPECT_TRUE(other);
      }());
}

TEST_F(HttpClientTest, ReadsEveryFormOfBody) {
  EXPECT_EQ(response_from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")->body, "hello");
  EXPECT_EQ(
      response_from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")->body,
      "hello");
  EXPECT_EQ(response_from("HTTP/1.0 200 OK\r\n\r\nhello")->body, "hello");
  EXPECT_EQ(response_from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD")->headers.get("content-length"), "5");
  EXPECT_EQ(response_from("HTTP/1.1 204 No Content\r\n\r\n")->status, 204);
  EXPECT_EQ(response_from("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")->status, 304);
  const auto behind_interim = response_from(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: early\r\n\r\nHTTP/1.1 200 OK\r\n"
      "Content-Length: 2\r\n\r\nok");
  EXPECT_EQ(behind_interim->body, "ok");
  EXPECT_EQ(behind_interim->headers.get("X"), std::nullopt);
}

TEST_F(HttpClientTest, RefusesMalformedAndLongResponses) {
  options_.body_bytes_max = 4;
  for (const char* bytes :
       {"nonsense\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nhello"}) {
    const auto response = response_from(bytes);
    ASSERT_FALSE(response) << bytes;
    EXPECT_EQ(response.error().code, Code::kInvalidInput) << bytes;
  }
  EXPECT_EQ(response_from("HTTP/1.1 200 OK\r\nX: " + std::string(limits::kHttpHeaderBytes, 'x')).error().code,
            Code::kInvalidInput);
}

TEST_F(HttpClientTest, CallsABrokenResponseUnavailable) {
  for (const char* bytes : {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    const auto response = response_from(bytes);
    ASSERT_FALSE(response) << bytes;
    EXPECT_EQ(response.error().code, Code::kUnavailable) << bytes;
  }
}

TEST_F(HttpClientTest, CannotConnectWhereNobodyListens) {
  acceptor_.close();
  open();
  const auto response = run_task(context_, client_->send(get("/"), kLong));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnavailable);
  EXPECT_THAT(response.error().message, HasSubstr("127.0.0.1:" + std::to_string(options_.port)));
}

TEST_F(HttpClientTest, RefusesTargetsThatWouldBreakTheRequest) {
  open();
  for (const char* target : {"", "/a b", "/a\r\nX: y"})
    EXPECT_EQ(run_task(context_, client_->send(get(target), kLong)).error().code, Code::kInvalidInput);
}

TEST_F(HttpClientTest, ReusesAConnection) {
  open();
  run(
      [&]() -> Task<> {
        RawPeer peer = co_await accept();
        for (int i = 0; i < 3; ++i) {
          co_await peer.read_until("\r\n\r\n");
          co_await peer.write(std::string(kOk));
        }
      }(),
      [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
          const auto response = co_await client_->send(get("/"), kLong);
          EXPECT_TRUE(response);
        }
      }());
}

TEST_F(HttpClientTest, OpensAnotherConnectionWhereTheServerEndsOne) {
  open();
  run(
      [&]() -> Task<> {
        for (const char* ending :
             {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", "HTTP/1.0 200 OK\r\n\r\nok"}) {
          RawPeer peer = co_await accept();
          co_await peer.read_until("\r\n\r\n");
          co_await peer.write(ending);
        }
      }(),
      [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
          const auto response = co_await client_->send(get("/"), kLong);
          EXPECT_EQ(response->body, "ok");
        }
      }());
}

TEST_F(HttpClientTest, SendsAgainWhereAKeptConnectionWasClosed) {
  open();
  run(
      [&]() -> Task<> {
        for (const char* body : {"one", "two"}) {
          RawPeer peer = co_await accept();
          co_await peer.read_until(body);
          co_await peer.write(std::string(kOk));
        }
      }(),
      [&]() -> Task<> {
        for (const char* body : {"one", "two"}) {
          const auto response = co_await client_->send(post(body), kLong, /*idempotent=*/true);
          EXPECT_TRUE(response);
        }
      }());
}

TEST_F(HttpClientTest, SendsNothingTwiceThatMayDoHarm) {
  open();
  run(
      [&]() -> Task<> {
        RawPeer peer = co_await accept();
        co_await peer.read_until("first");
        co_await peer.write(std::string(kOk));
        co_await peer.read_until("second");
        peer.close();  // it is done, and nobody hears of it
        RawPeer other = co_await accept();
        const std::string next = co_await other.read_until("d");
        EXPECT_THAT(next, EndsWith("third"));
        co_await other.write(std::string(kOk));
      }(),
      [&]() -> Task<> {
        const auto first = co_await client_->send(post("first"), kLong);
        EXPECT_TRUE(first);
        const auto second = co_await client_->send(post("second"), kLong);
        EXPECT_TRUE(!second && second.error().code == Code::kUnavailable);
        const auto third = co_await client_->send(post("third"), kLong);
        EXPECT_TRUE(third);
      }());
}

TEST_F(HttpClientTest, SeesThatAKeptConnectionIsOverBeforeItWritesWhatMayDoHarm) {
  open();
  OneShot<bool> client_knows(context_.get_executor());
  run(
      [&]() -> Task<> {
        RawPeer peer = co_await accept();
        co_await peer.read_until("first");
        co_await peer.write(std::string(kOk));
        peer.socket().shutdown(tcp::socket::shutdown_send);
        tcp_info info{};
        while (info.tcpi_state != TCP_FIN_WAIT2) {  // the client's kernel has confirmed the close
          co_await asio::post(context_, asio::use_awaitable);
          socklen_t size = sizeof(info);
          ::getsockopt(peer.socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size);
        }
        client_knows.set(true);
        RawPeer other = co_await accept();
        co_await other.read_until("second");
        co_await other.write(std::string(kOk));
        const std::string rest = co_await peer.read_to_end();
        EXPECT_EQ(rest, "");
      }(),
      [&]() -> Task<> {
        const auto first = co_await client_->send(post("first"), kLong);
        EXPECT_TRUE(first);
        co_await client_knows.wait_until(MonoTime::max());
        const auto second = co_await client_->send(post("second"), kLong);
        EXPECT_TRUE(second);
      }());
}

TEST_F(HttpClientTest, SendsNothingTwiceOnceAByteHasCome) {
  open();
  int requests = 0;
  run(
      [&]() -> Task<> {
        RawPeer peer = co_await accept();
        for (const std::string& answer : {std::string(kOk), std::string("HTTP/1.1 2")}) {
          co_await peer.read_until("\r\n\r\n");
          ++requests;
          co_await peer.write(answer);
        }
      }(),
      [&]() -> Task<> {
        const auto first = co_await client_->send(get("/"), kLong);
        EXPECT_TRUE(first);
        const auto second = co_await client_->send(get("/"), kLong, /*idempotent=*/true);
        EXPECT_EQ(second.error().code, Code::kUnavailable);
      }());
  EXPECT_EQ(requests, 2);
}

TEST_F(HttpClientTest, TimesOutAndClosesTheConnection) {
  open();
  run(
      [&]() -> Task<> {
        for (const char* part : {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"}) {
          RawPeer peer = co_await accept();
          co_await peer.read_until("\r\n\r\n");
          co_await peer.write(part);
          co_await peer.read_to_end();
        }
      }(),
      [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
          const auto response = co_await client_->send(get("/"), Millis(20));
          EXPECT_EQ(response.error().code, Code::kTimedOut);
        }
      }());
}

TEST_F(HttpClientTest, CancellationClosesTheConnection) {
  open();
  asio::cancellation_signal cancel;
  std::exception_ptr failure;
  bool ended = false;
  auto on_end = [&](std::exception_ptr error, const Result<HttpResponse>&) {
    failure = std::move(error);
    ended = true;
  };
  asio::co_spawn(context_, client_->send(get("/"), kLong), asio::bind_cancellation_slot(cancel.slot(), on_end));
  run_task(context_, [&]() -> Task<> {
    RawPeer peer = co_await accept();
    co_await peer.read_until("\r\n\r\n");
    EXPECT_FALSE(ended);
    cancel.emit(asio::cancellation_type::terminal);
    const std::string rest = co_await peer.read_to_end();
    EXPECT_EQ(rest, "");
  }());
  EXPECT_TRUE(ended);
  EXPECT_THROW(std::rethrow_exception(failure), boost::system::system_error);
}

TEST_F(HttpClientTest, EndsWhatIsUnderWayWhenDestroyed) {
  open();
  std::optional<Code> code;
  asio::co_spawn(
      context_, client_->send(get("/"), kLong),
      [&](const std::exception_ptr&, const Result<HttpResponse>& response) { code = response.error().code; });
  run_task(context_, [&]() -> Task<> {
    RawPeer peer = co_await accept();
    co_await peer.read_until("\r\n\r\n");
    client_.reset();
    const std::string rest = co_await peer.read_to_end();
    EXPECT_EQ(rest, "");
  }());
  EXPECT_EQ(code, Code::kUnavailable);
}

TEST_F(HttpClientTest, LetsFurtherRequestsWaitForAConnection) {
  options_.connections_max = 1;
  open();
  OneShot<bool> first_is_there(context_.get_executor());
  OneShot<bool> may_answer(context_.get_executor());
  std::vector<std::string> answered;
  const auto send = [&](std::string target) {
    asio::co_spawn(context_, client_->send(get(target), kLong),
                   [&answered, target](const std::exception_ptr&, const Result<HttpResponse>& response) {
                     EXPECT_TRUE(response);
                     answered.push_back(target);
                   });
  };
  run(
      [&]() -> Task<> {
        RawPeer peer = co_await accept();
        co_await peer.read_until("\r\n\r\n");
        first_is_there.set(true);
        co_await may_answer.wait_until(MonoTime::max());
        // The second request comes on the same connection; the third on another, for this one ends.
        co_await peer.write(std::string(kOk));
        co_await peer.read_until("\r\n\r\n");
        co_await peer.write("HTTP/1.0 200 OK\r\n\r\n");
        peer.close();
        RawPeer other = co_await accept();
        co_await other.read_until("\r\n\r\n");
        co_await other.write(std::string(kOk));
      }(),
      [&]() -> Task<> {
        send("/1");
        co_await first_is_there.wait_until(MonoTime::max());
        send("/2");
        send("/3");
        const auto impatient = co_await client_->send(get("/4"), Millis(10));
        EXPECT_EQ(impatient.error().code, Code::kTimedOut);
        EXPECT_TRUE(answered.empty());
        may_answer.set(true);
        while (answered.size() < 3) co_await asio::post(context_, asio::use_awaitable);
      }());
  EXPECT_EQ(answered, (std::vector<std::string>{"/1", "/2", "/3"}));
}

TEST_F(HttpClientTest, HearsAnEarlyRefusal) {
  const auto admit = [](const HttpRequest&) {
    Admission admission;
    admission.refusal = HttpResponse::text(403, "no");
    return admission;
  };
  const auto server = HttpServer::listen(context_.get_executor(), {}, admit, {}, Log::silent());
  ASSERT_TRUE(server);
  options_.port = (*server)->port();
  open();
  const auto response = run_task(context_, client_->send(post(std::string(30'000'000, 'x')), kLong));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 403);
}

TEST_F(HttpClientTest, CarriesLargeBodiesBothWays) {
  const auto admit = [](const HttpRequest&) { return Admission{.body_bytes_max = 1 << 30, .refusal = {}}; };
  const auto echo = [](HttpRequest& request) -> Task<HttpResponse> {
    HttpResponse response;
    response.body = std::move(request.body);
    co_return response;
  };
  const auto server = HttpServer::listen(context_.get_executor(), {}, admit, echo, Log::silent());
  ASSERT_TRUE(server);
  options_.port = (*server)->port();
  open();
  std::string body;
  for (int i = 0; body.size() < 5'000'000; ++i) body += std::to_string(i) + " ";
  for (int i = 0; i < 2; ++i) {
    const auto response = run_task(context_, client_->send(post(body), kLong));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_TRUE(response->body == body);
  }
}

// A TLS server whose certificate signs itself.
class HttpsClientTest : public HttpClientTest {
 protected:
  HttpsClientTest() { options_.tls = true; }

  // Makes the server's certificate, for those names, valid for two days around `days` days from now.
  void certify(const std::string& names, int days = 0) {
    const std::ofstream index(folder() + "/index");  // empty
    std::ofstream(folder() + "/names") << "subjectAltName=" << names << "\nbasicConstraints=critical,CA:TRUE\n";
    std::ofstream(folder() + "/ca") << "[ca]\ndefault_ca=own\n[own]\ndatabase=" << folder() << "/index\n"
                                    << "new_certs_dir=" << folder() << "\ndefault_md=sha256\nrand_serial=yes\n"
                                    << "policy=any\n[any]\ncommonName=optional\n";
    run_in_folder(
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test -keyout key.pem -out "
        "request");
    run_in_folder("openssl ca -batch -selfsign -notext -config ca -extfile names -keyfile key.pem -in request -out " +
                  certificate() + " -startdate " + date(days - 1) + " -enddate " + date(days + 1));
    tls_.use_certificate_chain_file(certificate());
    tls_.use_private_key_file(folder() + "/key.pem", asio::ssl::context::pem);
  }

  void run_in_folder(const std::string& command) const {
    ASSERT_EQ(std::system(("cd " + folder() + " && " + command + " 2>/dev/null").c_str()), 0) << command;
  }

  // As X.509 writes times: 20260131235959Z.
  static std::string date(int days_from_now) {
    std::string text = iso8601(SystemClock().wall_ms() + days_from_now * 86'400'000LL);
    std::erase_if(text, [](char c) { return c < '0' || c > '9'; });
    return text.substr(0, 14) + "Z";
  }

  ~HttpsClientTest() override { ::unsetenv("SSL_CERT_FILE"); }

  std::string folder() const { return folder_.path(); }
  std::string certificate() const { return folder() + "/certificate.pem"; }
  void trust_the_certificate() { ::setenv("SSL_CERT_FILE", certificate().c_str(), 1); }

  // Answers `count` requests on each of `connections` connections; ends early where a handshake fails.
  Task<> serve(int connections, int count) {
    for (int i = 0; i < connections; ++i) {
      asio::ssl::stream<tcp::socket> stream(co_await acceptor_.async_accept(asio::use_awaitable), tls_);
      auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kAsTuple);
      name_ = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name) ? "sent" : "none";
      for (int j = 0; j < count && !error; ++j) {
        std::string request;
        char byte = 0;
        while (!error && !request.ends_with("\r\n\r\n")) {
          std::tie(error, std::ignore) = co_await stream.async_read_some(asio::buffer(&byte, 1), kAsTuple);
          request += byte;
        }
        if (!error) std::tie(error, std::ignore) = co_await asio::async_write(stream, asio::buffer(kOk), kAsTuple);
      }
    }
  }

  Result<HttpResponse> ask(std::string host, int requests = 1) {
    options_.host = std::move(host);
    open();
    Result<HttpResponse> out = HttpResponse();
    run(serve(1, requests), [&]() -> Task<> {
      for (int i = 0; i < requests; ++i) out = co_await client_->send(get("/"), kLong);
    }());
    return out;
  }

  const TemporaryFolder folder_;
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  std::string name_;  // whether the client named the host it wants
};

TEST_F(HttpsClientTest, TalksToAHostThatItTrusts) {
  certify("DNS:localhost,IP:127.0.0.1");
  trust_the_certificate();
  const auto by_name = ask("localhost", 3);
  ASSERT_TRUE(by_name) << by_name.error().message;
  EXPECT_EQ(by_name->body, "ok");
  EXPECT_EQ(name_, "sent");
  EXPECT_TRUE(ask("127.0.0.1"));
  EXPECT_EQ(name_, "none");
}

TEST_F(HttpsClientTest, SendsAgainOnANewConnection) {
  certify("DNS:localhost");
  trust_the_certificate();
  options_.host = "localhost";
  open();
  run(serve(2, 1), [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      const auto response = co_await client_->send(get("/"), kLong, /*idempotent=*/true);
      EXPECT_TRUE(response) << response.error().message;
    }
  }());
}

TEST_F(HttpsClientTest, TrustsTheAuthoritiesOfAFile) {
  certify("DNS:localhost");
  options_.ca_file = certificate();
  const auto response = ask("localhost");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "ok");
}

TEST_F(HttpsClientTest, SaysThatAFileOfAuthoritiesIsNone) {
  certify("DNS:localhost");
  options_.ca_file = folder() + "/none.pem";
  const auto response = ask("localhost");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, kCertificateRefused);
  EXPECT_THAT(response.error().message, HasSubstr("none.pem"));
}

TEST_F(HttpsClientTest, RefusesACertificateThatNobodyVouchesFor) {
  certify("DNS:localhost");
  const auto response = ask("localhost");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnavailable);
  EXPECT_EQ(response.error().reason, kCertificateRefused);
  EXPECT_THAT(response.error().message, HasSubstr("AWS_CA_BUNDLE"));
}

TEST_F(HttpsClientTest, RefusesACertificateOfAnotherHost) {
  certify("DNS:elsewhere.example,IP:127.0.0.2");
  trust_the_certificate();
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto response = ask(host);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().reason, kCertificateRefused);
    EXPECT_THAT(response.error().message, HasSubstr("another host's"));
  }
}

TEST_F(HttpsClientTest, RefusesACertificateOutOfItsTime) {
  certify("DNS:localhost", -10);
  trust_the_certificate();
  const auto late = ask("localhost");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, kCertificateRefused);
  EXPECT_THAT(late.error().message, HasSubstr("has expired"));
  certify("DNS:localhost", 10);
  const auto early = ask("localhost");
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error().message, HasSubstr("not valid yet"));
}

TEST_F(HttpClientTest, SaysThatAServerMaySpeakNoTls) {
  options_.tls = true;
  open();
  run(
      [&]() -> Task<> {
        RawPeer peer = co_await accept();
        co_await peer.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        co_await peer.read_to_end();
      }(),
      [&]() -> Task<> {
        const auto response = co_await client_->send(get("/"), kLong);
        EXPECT_EQ(response.error().code, Code::kUnavailable);
        EXPECT_THAT(response.error().message, HasSubstr("http://"));
      }());
}

}  // namespace
}  // namespace facefleet::net
