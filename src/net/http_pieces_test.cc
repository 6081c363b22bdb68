// Bodies in pieces, in and out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing.h"
#include "net/body.h"
#include "net/http_server.h"
#include "net/test_peers.h"

namespace facefleet::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Gives `piece` so many times, then fails if it is told to.
class Repeated final : public BodyPieces {
 public:
  Repeated(std::string piece, int times, bool fails) : piece_(std::move(piece)), times_(times), fails_(fails) {}
  Task<Result<BytesView>> next() override {
    if (times_-- > 0) co_return BytesView(piece_);
    if (fails_) co_return Error{Code::kCorrupt, "the rest is damaged", ""};
    co_return BytesView();
  }

 private:
  const std::string piece_;
  int times_;
  const bool fails_;
};

// Takes at most `pieces_max` pieces and answers with their bytes, or with what went wrong.
Task<HttpResponse> gather(HttpRequest& request, int pieces_max) {
  std::string all;
  for (int i = 0; i < pieces_max; ++i) {
    const auto piece = co_await request.pieces->next();
    if (!piece) co_return HttpResponse::text(400, piece.error().reason);
    if (piece->empty()) break;
    all.append(*piece);
  }
  co_return HttpResponse::text(200, "[" + all + "]");
}

class HttpPiecesTest : public ::testing::Test {
 protected:
  void serve(Handler handler, std::uint64_t body_bytes_max = 1'000'000, ServerOptions options = {}) {
    Admit admit = [body_bytes_max](const HttpRequest&) {
      Admission admission;
      admission.body_bytes_max = body_bytes_max;
      admission.in_pieces = true;
      return admission;
    };
    server_ = HttpServer::listen(context_.get_executor(), std::move(options), admit, std::move(handler), Log::silent())
                  .value();
  }
  void serve_gatherer(std::uint64_t body_bytes_max = 1'000'000, int pieces_max = 1'000'000) {
    serve([pieces_max](HttpRequest& request) { return gather(request, pieces_max); }, body_bytes_max);
  }

  Task<std::string> exchange(std::string bytes) {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write(bytes);
    co_return co_await peer.read_to_end();
  }
  std::string answer_to(std::string bytes) { return run_task(context_, exchange(std::move(bytes))); }

  asio::io_context context_{1};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpPiecesTest, BodiesOfBothFramingsComeWholeAndTheNextRequestIsFound) {
  serve_gatherer();
  const std::string answers = answer_to(
      "PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\noneGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "PUT /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n1\r\n!\r\n0\r\n\r\n"
      "PUT /4 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfour");
  EXPECT_THAT(answers, HasSubstr("[one]"));
  EXPECT_THAT(answers, HasSubstr("[]"));
  EXPECT_THAT(answers, HasSubstr("[three!]"));
  EXPECT_THAT(answers, EndsWith("[four]"));
}

TEST_F(HttpPiecesTest, ALargeBodyComesInManyPieces) {
  serve(
      [](HttpRequest& request) -> Task<HttpResponse> {
        std::size_t bytes = 0, largest = 0;
        for (;;) {
          const auto piece = co_await request.pieces->next();
          if (!piece || piece->empty()) break;
          bytes += piece->size();
          largest = std::max(largest, piece->size());
        }
        co_return HttpResponse::text(200, std::to_string(bytes) + (largest <= 256 * 1024 ? " small" : " large"));
      },
      10'000'000);
  const std::string body(5'000'000, 'x');
  EXPECT_THAT(answer_to("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\nConnection: close\r\n\r\n" + body),
              EndsWith("5000000 small"));
}

TEST_F(HttpPiecesTest, WhoWaitsFor100ContinueIsToldWhenTheBodyIsAskedFor) {
  serve_gatherer();
  run_task(context_, [this]() -> Task<> {
    RawPeer peer(context_.get_executor());
    co_await peer.connect(server_->port());
    co_await peer.write("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    const std::string go_on = co_await peer.read_until("\r\n\r\n");
    EXPECT_EQ(go_on, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await peer.write("abc");
    const std::string answer = co_await peer.read_until("[abc]");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  }());
  server_.reset();
  serve_gatherer(1'000, 0);
  EXPECT_THAT(answer_to("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpPiecesTest, WhatIsNotReadEndsTheConnection) {
  serve_gatherer(1'000'000, 0);
  const std::string answer =
      answer_to("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'x'));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, EndsWith("[]"));
}

TEST_F(HttpPiecesTest, BodiesThatAreTooLongOrMalformedFail) {
  serve_gatherer(10);
  EXPECT_THAT(answer_to("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n12345678901"),
              EndsWith("body_too_long"));
  EXPECT_THAT(answer_to("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"),
              EndsWith("body_too_long"));
  EXPECT_THAT(answer_to("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
              EndsWith("malformed_body"));
}

TEST_F(HttpPiecesTest, ABodyThatStallsTimesOut) {
  ServerOptions options;
  options.stall_timeout = Millis(20);
  serve([](HttpRequest& request) { return gather(request, 100); }, 1'000, options);
  EXPECT_THAT(answer_to("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"), EndsWith("request_timeout"));
}

TEST_F(HttpPiecesTest, AnAnswerInPieces) {
  serve([](HttpRequest&) -> Task<HttpResponse> {
    HttpResponse response;
    response.pieces = std::make_shared<Repeated>(std::string(1'000'000, 'x'), 3, false);
    response.pieces_bytes = 3'000'000;
    co_return response;
  });
  const std::string answer = answer_to("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer.substr(0, 300), HasSubstr("Content-Length: 3000000\r\n"));
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 3'000'000u);
  const std::string head = answer_to("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: 3000000\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
}

TEST_F(HttpPiecesTest, AnAnswerThatBreaksOffIsSeenToBeShort) {
  serve([](HttpRequest&) -> Task<HttpResponse> {
    HttpResponse response;
    response.pieces = std::make_shared<Repeated>("abc", 1, true);
    response.pieces_bytes = 6;
    co_return response;
  });
  const std::string answer = answer_to("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nabc"));
}

}  // namespace
}  // namespace facefleet::net
