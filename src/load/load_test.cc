#include "load/load.h"

#include <gmock/gmock.h>

#include <map>

#include "base/testing.h"
#include "net/http_server.h"
#include "net/multipart.h"

namespace facefleet::load {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// A web tier that keeps what it was sent and answers by `answer`.
class LoadTest : public ::testing::Test {
 protected:
  struct Upload {
    std::string field, filename, bytes, target;
  };

  void SetUp() override {
    const net::Admit admit = [](const net::HttpRequest&) { return net::Admission{}; };
    auto server = net::HttpServer::listen(
        context_.get_executor(), {}, admit, [this](net::HttpRequest& request) { return handle(request); },
        Log::silent());
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  Task<net::HttpResponse> handle(net::HttpRequest& request) {
    most_at_once_ = std::max(most_at_once_, ++at_once_);
    if (hold_) co_await sleep_for(Millis(5));
    const auto parts = net::parse_multipart(request.headers.get("Content-Type").value_or(""), request.body, 2);
    if (!parts || parts->size() != 1) co_return net::HttpResponse::text(400, "not one part");
    const net::Part& part = parts->front();
    uploads_.push_back({part.name, part.filename, std::string(part.body), request.target});
    --at_once_;
    co_return answer_(part.filename);
  }

  Outcome run(Options options, const Predictions& predictions = {}) {
    options.url.host = "127.0.0.1";
    options.url.port = server_->port();
    return run_task(context_,
                    load::run(std::move(options), photos_, predictions, clock_, random_,
                              [this](const Reply& reply) { replies_.emplace_back(reply.name, reply.verdict); }));
  }

  asio::io_context context_;
  std::unique_ptr<net::HttpServer> server_;
  SystemClock clock_;
  SeededRandom random_{1};
  std::vector<Photo> photos_{{"a.jpg", std::string("\xFF\xD8\0\r\n--", 7)}, {"b \"x\".png", "B"}};
  std::function<net::HttpResponse(const std::string&)> answer_ = [](const std::string& name) {
    return net::HttpResponse::text(200, std::string(stem(name)) + ":Paul");
  };
  bool hold_ = false;
  int at_once_ = 0, most_at_once_ = 0;
  std::vector<Upload> uploads_;
  std::vector<std::pair<std::string, Verdict>> replies_;
};

TEST_F(LoadTest, CyclesThroughThePhotosInOrder) {
  Options options;
  options.requests = 3;
  options.field = "myfile";
  options.url.target = "/upload?x=1";
  const Outcome outcome = run(options);
  ASSERT_EQ(uploads_.size(), 3U);
  EXPECT_EQ(uploads_[0].filename, "a.jpg");
  EXPECT_EQ(uploads_[0].bytes, photos_[0].bytes);
  EXPECT_EQ(uploads_[0].field, "myfile");
  EXPECT_EQ(uploads_[0].target, "/upload?x=1");
  EXPECT_EQ(uploads_[1].bytes, "B");
  EXPECT_EQ(uploads_[2].filename, "a.jpg");
  EXPECT_EQ(outcome.unchecked, 3U);
  EXPECT_EQ(outcome.latencies_ms.size(), 3U);
  EXPECT_LE(outcome.first_answer_s, outcome.last_answer_s);
}

TEST_F(LoadTest, CountsRightWrongAndFailed) {
  answer_ = [](const std::string& name) {
    return name == "c.jpg" ? net::HttpResponse::text(503, "down") : net::HttpResponse::text(200, "Paul");
  };
  photos_ = {{"a.jpg", "A"}, {"b.jpg", "B"}, {"c.jpg", "C"}, {"d.jpg", "D"}};
  Options options;
  options.requests = 4;
  options.concurrency = 4;
  const Outcome outcome = run(options, {{"a", "Paul"}, {"b", "Emily"}, {"c", "Paul"}});
  EXPECT_THAT(replies_, UnorderedElementsAre(Pair("a.jpg", Verdict::kRight), Pair("b.jpg", Verdict::kWrong),
                                             Pair("c.jpg", Verdict::kFailed), Pair("d.jpg", Verdict::kUnchecked)));
  EXPECT_EQ(outcome.right, 1U);
  EXPECT_EQ(outcome.wrong, 1U);
  EXPECT_EQ(outcome.failed, 1U);
  EXPECT_EQ(outcome.unchecked, 1U);
  EXPECT_EQ(outcome.latencies_ms.size(), 3U);
}

TEST_F(LoadTest, KeepsAsManyRequestsUnderWayAsAsked) {
  hold_ = true;
  Options options;
  options.requests = 12;
  options.concurrency = 4;
  EXPECT_EQ(run(options).unchecked, 12U);
  EXPECT_EQ(most_at_once_, 4);
}

TEST_F(LoadTest, BeginsRequestsWhenTheyAreDueThoughOthersWait) {
  hold_ = true;  // each answer takes longer than the next arrival
  Options options;
  options.requests = 4;
  options.concurrency = 10;
  options.arrivals = {Millis(0), Millis(1), Millis(1), Millis(60)};
  const Outcome outcome = run(options);
  EXPECT_EQ(outcome.unchecked, 4U);
  EXPECT_GE(outcome.last_sent_s, 0.06);
  EXPECT_GE(outcome.last_answer_s, outcome.last_sent_s);
  EXPECT_EQ(uploads_.back().filename, "b %22x%22.png") << "in the order of the arrivals, quotes as browsers write them";
}

TEST_F(LoadTest, AServerThatIsDownFailsEachRequest) {
  server_.reset();
  Options options;
  options.requests = 2;
  options.url.port = 1;
  options.url.host = "127.0.0.1";
  const Outcome outcome =
      run_task(context_, load::run(options, photos_, {}, clock_, random_,
                                   [this](const Reply& reply) { replies_.emplace_back(reply.name, reply.verdict); }));
  EXPECT_EQ(outcome.failed, 2U);
  EXPECT_THAT(replies_, ElementsAre(Pair("a.jpg", Verdict::kFailed), Pair("b \"x\".png", Verdict::kFailed)));
}

}  // namespace
}  // namespace facefleet::load
