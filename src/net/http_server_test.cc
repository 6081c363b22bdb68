#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/hash.h"
#include "base/testing.h"
#include "net/body.h"
#include "net/test_peers.h"

namespace facefleet::net {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

// Says what it was asked: `GET /a [body]`.
Task<HttpResponse> mirror(HttpRequest& request) {
  HttpResponse response = HttpResponse::text(200, request.method + " " + request.target + " [" + request.body + "]");
  co_return response;
}

class HttpServerTest : public ::testing::Test {
 protected:
  void serve(Handler handler, ServerOptions options = {}, std::uint64_t body_bytes_max = 1'000) {
    Admit admit = [body_bytes_max](const HttpRequest& request) {
      Admission admission;
      admission.body_bytes_max = body_bytes_max;
      if (request.path() == "/refused") admission.refusal = HttpResponse::text(401, "who are you?");
      return admission;
    };
    auto server =
        HttpServer::listen(context_.get_executor(), std::move(options), admit, std::move(handler), Log::silent());
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }

  // Sends `bytes` on a connection of its own and returns all that comes back until the server closes it.
  Task<std::string> exchange(std::string bytes) {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write(bytes);
    co_return co_await peer.read_to_end();
  }

  std::string answer_to(std::string bytes) { return run_task(context_, exchange(std::move(bytes))); }

  template <class T>
  T run(Task<T> task) {
    return run_task(context_, std::move(task));
  }

  asio::io_context context_{1};
  std::unique_ptr<HttpServer> server_;
};

// A handler that waits until the test lets it go on.
class Gate {
 public:
  explicit Gate(asio::io_context& context) : entered(context.get_executor()), opened_(context.get_executor()) {}

  Handler handler() {
    return [this](HttpRequest& request) { return wait(request); };
  }
  void open() { opened_.set(true); }

  OneShot<bool> entered;
  bool cancelled = false;

 private:
  Task<HttpResponse> wait(HttpRequest& request) {
    if (entered.is_set() || request.target == "/now") co_return co_await mirror(request);
    entered.set(true);
    try {
      co_await opened_.wait_until(MonoTime::max());
    } catch (const boost::system::system_error& error) {
      cancelled = error.code() == asio::error::operation_aborted;
      throw;
    }
    co_return co_await mirror(request);
  }

  OneShot<bool> opened_;
};

Task<> wait_for(OneShot<bool>& event) { co_await event.wait_until(MonoTime::max()); }

TEST_F(HttpServerTest, KeepsAConnectionForManyRequests) {
  serve([](HttpRequest& request) -> Task<HttpResponse> {
    HttpResponse response = HttpResponse::text(200, request.remote);
    response.headers.add("x-MiXed", "Case");
    co_return response;
  });
  run([this]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    for (int i = 0; i < 3; ++i) {
      co_await peer.write(std::string(kGet));
      const std::string answer = co_await peer.read_until("127.0.0.1");
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
      EXPECT_THAT(answer, HasSubstr("\r\nx-MiXed: Case\r\n"));
      EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 9\r\n"));
      EXPECT_THAT(answer, HasSubstr(" GMT\r\n"));
      EXPECT_THAT(answer, Not(HasSubstr("Connection:")));
    }
  }());
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  serve(mirror);
  const std::string answers = answer_to(
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\noneGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nthree\r\n0\r\n\r\n");
  const std::size_t first = answers.find("POST /1 [one]");
  const std::size_t second = answers.find("GET /2 []");
  const std::size_t third = answers.find("POST /3 [three]");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(HttpServerTest, TakesAPipelinedRequestForNoClose) {
  Gate gate(context_);
  serve(gate.handler());
  run([&]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write(std::string(kGet));
    co_await wait_for(gate.entered);
    // Its body comes in two pieces, the second after the first request is answered.
    co_await peer.write("POST /now HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
    co_await asio::post(context_, asio::use_awaitable);
    gate.open();
    co_await peer.read_until("GET /a []");
    co_await peer.write("def");
    co_await peer.read_until("POST /now [abcdef]");
    EXPECT_FALSE(gate.cancelled);
  }());
}

TEST_F(HttpServerTest, ClosesAsAskedAndAsHttp10Does) {
  serve(mirror);
  EXPECT_THAT(answer_to("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(answer_to("GET / HTTP/1.0\r\n\r\n"), EndsWith("GET / []"));
  const std::string kept = answer_to("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n");
  EXPECT_THAT(kept, HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(kept, EndsWith("GET /2 []"));
}

TEST_F(HttpServerTest, ClosesWhereTheHandlerSaysSo) {
  serve([](HttpRequest& request) -> Task<HttpResponse> {
    HttpResponse response = co_await mirror(request);
    response.close = true;
    co_return response;
  });
  EXPECT_THAT(answer_to(std::string(kGet)), HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(HttpServerTest, SendsNoBodyWhereThereIsNone) {
  serve([](HttpRequest& request) -> Task<HttpResponse> {
    HttpResponse response = HttpResponse::text(request.path() == "/none" ? 204 : 200, "body");
    if (request.query() == "length") response.headers.set("Content-Length", "123456");
    co_return response;
  });
  const auto ask = [this](std::string line) {
    return answer_to(line + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  };
  EXPECT_THAT(ask("HEAD /"), AllOf(HasSubstr("\r\nContent-Length: 4\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(ask("HEAD /?length"), AllOf(HasSubstr("\r\nContent-Length: 123456\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(ask("GET /?length"), AllOf(HasSubstr("\r\nContent-Length: 4\r\n"), EndsWith("\r\n\r\nbody")));
  EXPECT_THAT(ask("GET /none"), AllOf(Not(HasSubstr("Content-Length")), EndsWith("\r\n\r\n")));
}

TEST_F(HttpServerTest, LetsNoHeaderBeInjected) {
  serve([](HttpRequest&) -> Task<HttpResponse> {
    HttpResponse response = HttpResponse::text(200, "");
    response.headers.add("X-Name", "a\r\nX-Evil: b\r\n\r\nHTTP/1.1 200 OK");
    co_return response;
  });
  EXPECT_THAT(answer_to("GET / HTTP/1.0\r\n\r\n"), Not(HasSubstr("\r\nX-Evil")));
}

TEST_F(HttpServerTest, ReadsChunkedBodies) {
  serve([](HttpRequest& request) -> Task<HttpResponse> {
    EXPECT_EQ(request.headers.get("X-Trailer"), std::nullopt);
    return mirror(request);
  });
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(answer_to(head + "3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"),
              EndsWith("POST / [abc0123456789]"));
  EXPECT_THAT(answer_to(head + "3E9\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to(head + "200\r\n" + std::string(512, 'x') + "\r\n1FF\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to(head + "xyz\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to(head + "1;" + std::string(200'000, 'e')), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, ReadsBodiesByteByByte) {
  serve(mirror);
  run([this]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    peer.socket().set_option(asio::ip::tcp::no_delay(true));
    for (const char c : std::string("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")) {
      co_await peer.write(std::string(1, c));
      co_await asio::post(context_, asio::use_awaitable);
    }
    co_await peer.read_until("POST / [hello]");
  }());
}

TEST_F(HttpServerTest, ReadsALargeBodyWhole) {
  serve(mirror, {}, 10'000'000);
  std::string body;
  for (int i = 0; body.size() < 5'000'000; ++i) body += std::to_string(i) + " ";
  const std::string answer =
      answer_to("POST / HTTP/1.0\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_TRUE(answer.ends_with("POST / [" + body + "]"));
}

TEST_F(HttpServerTest, AsksForABodyOnlyWhereItWantsOne) {
  serve(mirror);
  run([this]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    const std::string answer = co_await peer.read_until("\r\n\r\n");
    EXPECT_EQ(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await peer.write("hello");
    co_await peer.read_until("POST / [hello]");
  }());
  const std::string expect = " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: ";
  EXPECT_THAT(answer_to("POST /" + expect + "1001\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to("POST /refused" + expect + "5\r\n\r\n"), StartsWith("HTTP/1.1 401 "));
}

TEST_F(HttpServerTest, RefusesSoThatASenderOf30MegabytesReadsIt) {
  serve(mirror);
  const std::string body(30'000'000, 'x');
  for (const char* path : {"/large", "/refused"}) {
    const std::string answer = answer_to("POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                                         std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_THAT(answer, StartsWith(path == std::string("/large") ? "HTTP/1.1 413 " : "HTTP/1.1 401 "));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  }
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  bool handled = false;
  serve([&](HttpRequest& request) {
    handled = true;
    return mirror(request);
  });
  const std::string host = "Host: h\r\n";
  for (const std::string& bytes : {
           std::string("\r\n\r\n\r\n"),
           std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n",
           std::string("GET\r\n\r\n"),
           std::string("GET / HTTP/2.0\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\n\r\n"),
           "GET / HTTP/1.1\r\n" + host + host + "\r\n",
           "GET / HTTP/1.1\n" + host + "\n\r\n",
           "GET /a b HTTP/1.1\r\n" + host + "\r\n",
           "GET / HTTP/1.1\r\n" + host + "No colon\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "Blank : x\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 1, 2\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           std::string("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
       }) {
    EXPECT_THAT(answer_to(bytes), StartsWith("HTTP/1.1 400 ")) << bytes;
  }
  EXPECT_FALSE(handled);
}

TEST_F(HttpServerTest, RefusesLongHeaders) {
  serve(mirror);
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  EXPECT_THAT(answer_to(start + std::string(60'000, 'x') + "\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer_to(start + std::string(limits::kHttpHeaderBytes, 'x')), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer_to("GET /" + std::string(300'000, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, TakesAWholeUrlForItsPath) {
  serve(mirror);
  EXPECT_THAT(answer_to("GET http://h:80/a?b HTTP/1.0\r\n\r\n"), EndsWith("GET /a?b []"));
  EXPECT_THAT(answer_to("GET http://h HTTP/1.0\r\n\r\n"), EndsWith("GET / []"));
  EXPECT_THAT(answer_to("GET http://h?b HTTP/1.0\r\n\r\n"), EndsWith("GET /?b []"));
  EXPECT_THAT(answer_to("OPTIONS * HTTP/1.0\r\n\r\n"), EndsWith("OPTIONS * []"));
}

TEST_F(HttpServerTest, WordsItsRefusalsAsToldTo) {
  ServerOptions options;
  options.error_response = [](int status, std::string sentence) {
    return HttpResponse::json(status, "{\"error\": \"" + sentence + "\"}");
  };
  serve([](HttpRequest&) -> Task<HttpResponse> { throw std::runtime_error("secret"); }, std::move(options));
  EXPECT_THAT(answer_to("nonsense\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("{\"error\"")));
  const std::string failed = answer_to(std::string(kGet));
  EXPECT_THAT(failed, AllOf(StartsWith("HTTP/1.1 500 "), HasSubstr("{\"error\""), Not(HasSubstr("secret"))));
}

TEST_F(HttpServerTest, GivesUpOnASlowSender) {
  ServerOptions options;
  options.header_timeout = options.stall_timeout = Millis(30);
  serve(mirror, std::move(options));
  EXPECT_THAT(answer_to("GET / HTTP/1.1\r\nHo"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(answer_to("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(answer_to("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
              StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, GivesUpOnASlowLoris) {
  ServerOptions options;
  options.header_timeout = Millis(30);
  serve(mirror, std::move(options));
  run([this]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write("GET / HTTP/1.1\r\nHost: h\r\n");
    // Each byte is progress, but the header never ends; writing fails once the server has given up.
    boost::system::error_code error;
    while (!error) {
      co_await asio::async_write(peer.socket(), asio::buffer("X", 1), asio::redirect_error(asio::use_awaitable, error));
      co_await sleep_for(Millis(1));
    }
  }());
}

TEST_F(HttpServerTest, GivesUpOnABodyThatTrickles) {
  ServerOptions options;
  options.body_grace = Millis(30);
  options.body_bytes_per_s = 1'000'000;
  serve(mirror, std::move(options), 1 << 30);
  struct Case {
    std::string framing, piece;
  };
  for (const Case& body : {Case{"Content-Length: 1000000000", "x"}, Case{"Transfer-Encoding: chunked", "1\r\nx\r\n"}}) {
    run([&]() -> Task<> {
      RawPeer peer(context_.get_executor());
      co_await peer.connect(server_->port());
      co_await peer.write("POST / HTTP/1.1\r\nHost: h\r\n" + body.framing + "\r\n\r\n");
      // Each byte is progress, but too little; writing fails once the server has given up and read what it reads on.
      bool refused = false;
      asio::co_spawn(
          context_,
          [&]() -> Task<> {
            const std::string answer = co_await peer.read_until("\r\n");
            EXPECT_EQ(answer, "HTTP/1.1 408 Request Timeout\r\n");
            refused = true;
          },
          [](const std::exception_ptr& failure) { EXPECT_FALSE(failure); });
      while (!refused) {
        co_await peer.write(body.piece);
        co_await sleep_for(Millis(1));
      }
    }());
  }
}

TEST_F(HttpServerTest, TakesASlowBodyThatComesSteadily) {
  ServerOptions options;
  options.body_grace = Millis(1);
  options.body_bytes_per_s = 1;  // so that the first bytes earn more time than this test takes
  serve(mirror, std::move(options));
  struct Case {
    std::string framing, first, rest;
  };
  for (const Case& body :
       {Case{"Content-Length: 205", "", ""}, Case{"Transfer-Encoding: chunked", "CD\r\n", "\r\n0\r\n\r\n"}}) {
    run([&]() -> Task<> {
      RawPeer peer(context_.get_executor());
      co_await peer.connect(server_->port());
      co_await peer.write("POST / HTTP/1.1\r\nHost: h\r\n" + body.framing + "\r\n\r\n" + body.first +
                          std::string(200, 'x'));
      co_await sleep_for(Millis(40));  // longer than the grace
      co_await peer.write("hello" + body.rest);
      co_await peer.read_until("xhello]");
    }());
  }
}

// What a server says to a body of `size` bytes, of either framing, that comes beside others.
class FullServerTest : public HttpServerTest {
 protected:
  static std::string plain(std::size_t size) {
    return "POST /now HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: " + std::to_string(size) +
           "\r\n\r\n" + std::string(size, 'x');
  }
  static std::string chunked(std::size_t size) {  // at most 255
    return "POST /now HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" +
           hex(Bytes(1, static_cast<char>(size))) + "\r\n" + std::string(size, 'x') + "\r\n0\r\n\r\n";
  }

  Task<> expect_room(std::size_t size) {
    for (const std::string& request : {plain(size), chunked(size)}) {
      const std::string answer = co_await exchange(request);
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 ")) << size;
    }
  }
  Task<> expect_no_room(std::size_t size) {
    for (const std::string& request : {plain(size), chunked(size)}) {
      const std::string answer = co_await exchange(request);
      EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\r\nRetry-After: 1\r\n"))) << size;
    }
  }

  static ServerOptions room_for(std::uint64_t bytes) {
    ServerOptions options;
    options.bodies_bytes_max = bytes;
    return options;
  }
};

TEST_F(FullServerTest, CountsBodiesThatAreOnTheirWay) {
  serve(mirror, room_for(1'000));
  run([this]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n");
    co_await peer.read_until("\r\n\r\n");  // its body is waited for
    co_await expect_room(100);
    co_await expect_no_room(101);
    co_await peer.write(std::string(900, 'y'));
    co_await peer.read_until("y]");
    co_await expect_room(200);
    co_await peer.write("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n");
    co_await peer.read_until("\r\n\r\n");
    co_await expect_no_room(101);
    peer.close();  // what never comes whole makes room, too
    std::string answer;
    while (!answer.starts_with("HTTP/1.1 200 ")) answer = co_await exchange(plain(200));
  }());
}

TEST_F(FullServerTest, CountsBodiesThatAreBeingHandled) {
  Gate gate(context_);
  serve(gate.handler(), room_for(1'000));
  run([&]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n" + std::string(900, 'y'));
    co_await wait_for(gate.entered);
    co_await expect_room(100);
    co_await expect_no_room(101);
    gate.open();
    co_await peer.read_until("y]");
    co_await expect_room(200);
  }());
}

TEST_F(FullServerTest, CountsNoBodyThatItsHandlerHasPutElsewhere) {
  Gate gate(context_);
  const Handler wait = gate.handler();
  serve(
      [&wait](HttpRequest& request) {
        if (request.path() == "/a") request.held->release();
        return wait(request);
      },
      room_for(1'000));
  run([&]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n" + std::string(900, 'y'));
    co_await wait_for(gate.entered);
    co_await expect_room(200);
    gate.open();
    co_await peer.read_until("y]");
  }());
}

TEST_F(FullServerTest, TakesABodyThatIsAloneHoweverLarge) {
  serve(mirror, room_for(100));
  run(expect_room(200));
}

TEST_F(HttpServerTest, ClosesIdleConnectionsInSilence) {
  ServerOptions options;
  options.idle_timeout = Millis(30);
  serve(mirror, std::move(options));
  EXPECT_EQ(answer_to(""), "");
  EXPECT_THAT(answer_to(std::string(kGet)), EndsWith("GET /a []"));
}

TEST_F(HttpServerTest, GivesUpOnAClientThatDoesNotRead) {
  ServerOptions options;
  options.stall_timeout = Millis(30);
  serve(
      [](HttpRequest&) -> Task<HttpResponse> {
        HttpResponse response = HttpResponse::text(200, std::string(64 << 20, 'x'));
        co_return response;
      },
      std::move(options));
  run([this]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write(std::string(kGet));
    co_await peer.socket().async_wait(asio::ip::tcp::socket::wait_error, asio::use_awaitable);
    const std::string received = co_await peer.read_to_end();
    EXPECT_LT(received.size(), std::size_t{64} << 20);
  }());
}

TEST_F(HttpServerTest, CancelsTheHandlerOfAClientThatLeaves) {
  Gate gate(context_);
  serve(gate.handler());
  run([&]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write(std::string(kGet));
    co_await wait_for(gate.entered);
    EXPECT_FALSE(gate.cancelled);
    peer.close();
    while (!gate.cancelled) co_await asio::post(context_, asio::use_awaitable);
  }());
}

TEST_F(HttpServerTest, CancelsEvenBehindAPipelinedRequest) {
  Gate gate(context_);
  serve(gate.handler());
  run([&]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write(std::string(kGet) + std::string(kGet));
    co_await wait_for(gate.entered);
    peer.close();
    while (!gate.cancelled) co_await asio::post(context_, asio::use_awaitable);
  }());
}

TEST_F(HttpServerTest, RefusesConnectionsBeyondItsLimit) {
  ServerOptions options;
  options.connections_max = 1;
  serve(mirror, std::move(options));
  run([this]() -> Task<> {
    RawPeer first(context_.get_executor());
    co_await first.connect(server_->port());
    co_await first.write(std::string(kGet));
    co_await first.read_until("GET /a []");
    const std::string answer = co_await exchange(std::string(kGet));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    co_await first.write(std::string(kGet));
    co_await first.read_until("GET /a []");
    first.close();
    std::string last;
    while (!last.ends_with("GET /b []")) last = co_await exchange("GET /b HTTP/1.0\r\n\r\n");
  }());
}

TEST_F(HttpServerTest, DrainsIdleAndRunningConnections) {
  Gate gate(context_);
  serve(gate.handler());
  run([&]() -> Task<> {
    RawPeer idle(context_.get_executor());
    co_await idle.connect(server_->port());
    co_await idle.write("GET /now HTTP/1.1\r\nHost: h\r\n\r\n");
    co_await idle.read_until("GET /now []");
    RawPeer running(context_.get_executor());
    co_await running.connect(server_->port());
    co_await running.write(std::string(kGet));
    co_await wait_for(gate.entered);

    bool drained = false;
    asio::co_spawn(context_, server_->drain(MonoTime::max()), [&](const std::exception_ptr&) { drained = true; });
    const std::string rest_of_idle = co_await idle.read_to_end();
    EXPECT_EQ(rest_of_idle, "");
    RawPeer late(context_.get_executor());
    bool refused = false;
    try {
      co_await late.connect(server_->port());
    } catch (const boost::system::system_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    EXPECT_FALSE(drained);
    gate.open();
    const std::string answer = co_await running.read_to_end();
    EXPECT_THAT(answer, AllOf(HasSubstr("\r\nConnection: close\r\n"), EndsWith("GET /a []")));
    while (!drained) co_await asio::post(context_, asio::use_awaitable);
  }());
}

TEST_F(HttpServerTest, DrainCancelsWhatRunsPastTheDeadline) {
  Gate gate(context_);
  serve(gate.handler());
  run([&]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write(std::string(kGet));
    co_await wait_for(gate.entered);
    co_await server_->drain(SystemClock().now() + Millis(20));
    EXPECT_TRUE(gate.cancelled);
    const std::string rest = co_await peer.read_to_end();
    EXPECT_EQ(rest, "");
  }());
}

TEST_F(HttpServerTest, ClosesEverythingWhenDestroyed) {
  Gate gate(context_);
  serve(gate.handler());
  run([&]() -> Task<> {
    RawPeer idle(context_.get_executor());
    co_await idle.connect(server_->port());
    co_await idle.write("GET /now HTTP/1.1\r\nHost: h\r\n\r\n");
    co_await idle.read_until("GET /now []");
    RawPeer running(context_.get_executor());
    co_await running.connect(server_->port());
    co_await running.write(std::string(kGet));
    co_await wait_for(gate.entered);
    server_.reset();
    const std::string rest = co_await idle.read_to_end() + co_await running.read_to_end();
    EXPECT_EQ(rest, "");
    EXPECT_TRUE(gate.cancelled);
  }());
}

TEST_F(HttpServerTest, SaysWhichPortIsTaken) {
  serve(mirror);
  ServerOptions options;
  options.port = server_->port();
  const auto second = HttpServer::listen(context_.get_executor(), options, {}, mirror, Log::silent());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(options.port)));
  options.host = "203.0.113.1";
  EXPECT_EQ(HttpServer::listen(context_.get_executor(), options, {}, mirror, Log::silent()).error().code,
            Code::kInvalidInput);
}

TEST_F(HttpServerTest, ListensOnIpv6) {
  ServerOptions options;
  options.host = "::1";
  serve(
      [](HttpRequest& request) -> Task<HttpResponse> {
        HttpResponse response = HttpResponse::text(200, request.remote);
        co_return response;
      },
      std::move(options));
  run([this]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port(), "::1");
    co_await peer.write("GET / HTTP/1.0\r\n\r\n");
    const std::string answer = co_await peer.read_to_end();
    EXPECT_THAT(answer, EndsWith("\r\n\r\n::1"));
  }());
}

TEST_F(HttpServerTest, ServesAThousandConnectionsAtOnce) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4'096);
  ::setrlimit(RLIMIT_NOFILE, &files);
  int inside = 0;
  // No request is answered before all thousand are there.
  asio::steady_timer everybody(context_, MonoTime::max());
  serve([&](HttpRequest& request) -> Task<HttpResponse> {
    if (++inside == 1'000) everybody.cancel();
    boost::system::error_code ignored;
    if (inside < 1'000) co_await everybody.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return co_await mirror(request);
  });
  int answered = 0;
  for (int i = 0; i < 1'000; ++i)
    asio::co_spawn(context_, exchange("GET /" + std::to_string(i) + " HTTP/1.0\r\n\r\n"),
                   [&answered, i](const std::exception_ptr& failure, const std::string& answer) {
                     EXPECT_FALSE(failure);
                     EXPECT_TRUE(answer.ends_with("GET /" + std::to_string(i) + " []"));
                     ++answered;
                   });
  while (answered < 1'000) ASSERT_GT(context_.run_one(), 0u);
}

}  // namespace
}  // namespace facefleet::net
