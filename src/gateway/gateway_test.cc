// The gateway over memory queues and a memory store, spoken to over HTTP; a scripted worker answers its jobs through
// the real queue, in the real encoding.
#include "gateway/gateway.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/testing.h"
#include "gateway/readiness.h"
#include "gateway/replies.h"
#include "jobs/job.h"
#include "net/http_client.h"
#include "queue/backends/memory_queue.h"
#include "store/backends/memory_store.h"

namespace facefleet::gateway {
namespace {

namespace json = boost::json;

constexpr Millis kTimeout{20'000};

class StillFleet final : public fleet::Fleet {
 public:
  Task<Result<std::vector<fleet::Instance>>> list() override {
    fleet::Instance running;
    running.id = "i-00000000000000001";
    running.name = "app-tier-instance-1";
    running.state = fleet::InstanceState::kRunning;
    running.worker = fleet::WorkerState::kIdle;
    fleet::Instance gone = running;
    gone.state = fleet::InstanceState::kTerminated;
    co_return std::vector<fleet::Instance>{running, gone};
  }
  Task<Result<std::vector<fleet::Instance>>> launch(fleet::Launch) override {
    co_return Error{Code::kBusy, "full", "capacity"};
  }
  Task<Result<void>> terminate(std::vector<std::string>) override { co_return Result<void>(); }
  Task<Result<void>> start(std::vector<std::string>) override { co_return Result<void>(); }
  Task<Result<void>> stop(std::vector<std::string>) override { co_return Result<void>(); }
  Task<Result<void>> create_tags(std::vector<std::string>, fleet::Tags) override { co_return Result<void>(); }
  Task<Result<void>> delete_tags(std::vector<std::string>, std::map<std::string, std::optional<std::string>>) override {
    co_return Result<void>();
  }
  std::uint32_t cap() const override { return 4; }
};

jobs::Face face_of(std::string label, float size = 40) {
  jobs::Face face;
  face.box = {10, 20, size, size};
  face.score = 0.9F;
  face.label = label;
  face.matches = {{std::move(label), 0.7F, true}};
  return face;
}

std::string form(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string body;
  for (const auto& [name, bytes] : files)
    body +=
        "--B\r\nContent-Disposition: form-data; name=\"myfile\"; filename=\"" + name + "\"\r\n\r\n" + bytes + "\r\n";
  return body + "--B--\r\n";
}

net::HttpRequest post(std::string target, std::string body, std::string type = "multipart/form-data; boundary=B") {
  net::HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = std::move(body);
  if (!type.empty()) request.headers.set("Content-Type", std::move(type));
  return request;
}

net::HttpRequest get(std::string target, std::string method = "GET") {
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  return request;
}

class GatewayTest : public testing::Test {
 protected:
  // What the scripted worker makes of a photo: its bytes are the label, by default.
  std::function<jobs::Outcome(const jobs::Job&, const Bytes& photo)> recognise = [](const jobs::Job&,
                                                                                    const Bytes& photo) {
    jobs::Outcome outcome;
    outcome.label = photo.size() < 100 ? photo : "bundled";
    outcome.main_face = 0;
    outcome.faces = {face_of(outcome.label)};
    return outcome;
  };

  GatewayTest() {
    cache_ = std::filesystem::temp_directory_path() / ("ff-gateway-" + random_hex(random_, 12));
    queues_ = queue::open_memory_queues(context_.get_executor(), clock_, random_, Log::silent());
    store_ = store::open_memory_store(clock_);
    galleries_ = gallery::Galleries::open(*store_, names_.gallery_bucket, cache_, clock_);
    for (const std::string& queue : {names_.request_queue, names_.response_queue, names_.dead_queue})
      EXPECT_TRUE(run(queues_->create(queue, {})));
    for (const std::string& bucket : {names_.job_bucket, names_.gallery_bucket, names_.in_bucket, names_.out_bucket})
      EXPECT_TRUE(run(store_->create_bucket(bucket)));
    options_.listen_port = 0;
    options_.version = "test";
    options_.profile = "default";
  }

  ~GatewayTest() override {
    stop();
    std::filesystem::remove_all(cache_);
  }

  template <class T>
  T run(Task<T> task) {
    return run_task(context_, std::move(task));
  }

  Result<void> start(bool with_worker = true) {
    auto opened = Gateway::open(context_.get_executor(), options_,
                                {*queues_, *store_, *galleries_, fleet_, clock_, random_, Log::silent()});
    if (!opened) return opened.error();
    gateway_ = std::move(*opened);
    running_ = true;
    asio::co_spawn(context_, gateway_->run(), [this](std::exception_ptr failure, const Result<void>& ended) {
      running_ = false;
      EXPECT_FALSE(failure);
      EXPECT_TRUE(ended);
    });
    if (with_worker) asio::co_spawn(context_, work(), asio::detached);
    net::ClientOptions client;
    client.port = gateway_->port();
    client_ = net::HttpClient::open(context_.get_executor(), client);
    return {};
  }

  void stop() {
    if (!gateway_) return;
    run(gateway_->drain(clock_.now() + Millis(200)));
    EXPECT_TRUE(until([&] { return !running_; }));
    client_.reset();
    gateway_.reset();
  }

  net::HttpResponse send(net::HttpRequest request) {
    auto response = run(client_->send(std::move(request), kTimeout));
    if (response) return std::move(*response);
    ADD_FAILURE() << response.error().message;
    return {};
  }

  // Starts a request and lets it run; its response is in the returned place once it came.
  std::shared_ptr<std::optional<net::HttpResponse>> begin(net::HttpRequest request) {
    auto place = std::make_shared<std::optional<net::HttpResponse>>();
    asio::co_spawn(context_, client_->send(std::move(request), kTimeout),
                   [place](std::exception_ptr, Result<net::HttpResponse> response) {
                     if (response) *place = std::move(*response);
                   });
    return place;
  }

  // Runs everything until `condition` holds.
  template <class Condition>
  bool until(Condition condition) {
    const MonoTime deadline = clock_.now() + kTimeout;
    while (!condition() && clock_.now() < deadline) {
      context_.restart();
      context_.run_one_for(Millis(10));
    }
    return condition();
  }

  // The next job of the request queue, removed from it; for tests that answer by hand.
  jobs::Job take_job() {
    auto queue = run(queues_->open(names_.request_queue)).value();
    queue::Receive request;
    request.wait = kTimeout;
    auto messages = run(queue->receive(request)).value();
    EXPECT_TRUE(run(queue->remove(messages.at(0).receipt)));
    return jobs::decode_job(messages.at(0).body).value();
  }

  // As take_job, but passes over the readiness check's.
  jobs::Job take_callers_job() {
    for (;;) {
      jobs::Job job = take_job();
      if (job.name != "readiness.jpg") return job;
    }
  }

  void answer(const jobs::Job& job, std::string label) {
    jobs::Outcome outcome;
    outcome.job_id = job.id;
    outcome.name = job.name;
    outcome.label = std::move(label);
    run(give(job, std::move(outcome)));
  }

  Task<> give(jobs::Job job, jobs::Outcome outcome) {
    Bytes encoded = jobs::encode(outcome);
    store::Put put;
    if (job.kind == jobs::Kind::kRecognise)
      (void)co_await store_->put(names_.job_bucket, jobs::outcome_key(job.id), encoded, put);
    if (job.views) {
      std::string key(jobs::stem(job.name));
      (void)co_await store_->put(names_.out_bucket, std::move(key), outcome.label, put);
    }
    auto replies = co_await queues_->open(job.reply_to);
    queue::Outgoing message{std::move(encoded), Millis(0)};
    (void)co_await (*replies)->send(std::move(message));
  }

  Task<> work() {
    auto requests = co_await queues_->open(names_.request_queue);
    for (;;) {
      queue::Receive request;
      request.max = 10;
      request.wait = kTimeout;
      auto messages = co_await (*requests)->receive(request);
      for (const queue::Message& message : *messages) {
        const jobs::Job job = jobs::decode_job(message.body).value();
        ++jobs_done_;
        auto photo = co_await store_->get(names_.job_bucket, jobs::photo_key(job.id), std::nullopt);
        jobs::Outcome outcome = recognise(job, photo ? photo->body : Bytes());
        outcome.job_id = job.id;
        outcome.kind = job.kind;
        outcome.name = job.name;
        outcome.gallery = job.gallery;
        outcome.width = outcome.height = 100;
        outcome.model = "sface@0ba9fbfa";
        outcome.stages = {{"queue", 1}, {"detect", 2.5}};
        co_await give(job, std::move(outcome));
        (void)co_await (*requests)->remove(message.receipt);
      }
    }
  }

  std::set<std::string> keys(const std::string& bucket, const std::string& prefix = "") {
    store::List query;
    query.prefix = prefix;
    std::set<std::string> found;
    for (const auto& object : run(store_->list(bucket, query)).value().objects) found.insert(object.key);
    return found;
  }

  static std::string reason(const net::HttpResponse& response) {
    boost::system::error_code error;
    const json::value body = json::parse(response.body, error);
    if (error) return "not JSON: " + response.body;
    return json::value_to<std::string>(body.at("error").at("reason"));
  }

  asio::io_context context_;
  SystemClock clock_;
  SystemRandom random_;
  StillFleet fleet_;
  const jobs::Names names_{"facefleet"};
  std::filesystem::path cache_;
  std::unique_ptr<queue::Queues> queues_;
  std::unique_ptr<store::ObjectStore> store_;
  std::unique_ptr<gallery::Galleries> galleries_;
  Options options_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<net::HttpClient> client_;
  int jobs_done_ = 0;
  bool running_ = false;
};

TEST_F(GatewayTest, APhotoGoesInAndANameComesOut) {
  ASSERT_TRUE(start());
  const auto response = send(post("/", form({{"test_001.final.jpg", "Paul"}})));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "test_001:Paul");
  EXPECT_TRUE(response.headers.get("content-type")->starts_with("text/plain"));
  const std::string id(response.headers.get("x-request-id").value_or(""));
  EXPECT_TRUE(is_id(id));
  EXPECT_TRUE(keys(names_.job_bucket, "outcomes/").contains("outcomes/" + id));
}

TEST_F(GatewayTest, RepliesTakeTheFormThatIsAskedFor) {
  options_.reply_form = "label";
  ASSERT_TRUE(start());
  EXPECT_EQ(send(post("/", form({{"a.jpg", "Paul"}}))).body, "Paul");
  auto request = post("/", form({{"a.jpg", "Paul"}}));
  request.headers.set("Accept", "application/json");
  const json::value body = json::parse(send(std::move(request)).body);
  EXPECT_EQ(body.at("label").as_string(), "Paul");
  EXPECT_EQ(body.at("name").as_string(), "a.jpg");
}

TEST_F(GatewayTest, AFilesWholeNameMayStandBeforeItsLabel) {
  options_.reply_form = "file";
  ASSERT_TRUE(start());
  EXPECT_EQ(send(post("/", form({{"a.final.jpg", "Paul"}}))).body, "a.final.jpg:Paul");
}

TEST_F(GatewayTest, PhotosMayTravelInTheMessage) {
  options_.photo_in_message = true;
  options_.message_bytes_max = 16'384;
  ASSERT_TRUE(start(false));
  const auto reply = begin(post("/", form({{"a.jpg", "Paul"}})));
  const jobs::Job job = take_callers_job();
  EXPECT_EQ(job.photo, "Paul");
  EXPECT_TRUE(keys(names_.job_bucket, "photos/").empty());
  answer(job, "Paul");
  EXPECT_TRUE(until([&] { return reply->has_value(); }));
  EXPECT_EQ((*reply)->body, "a:Paul");

  const auto refused = send(post("/v1/recognise", form({{"large.jpg", std::string(16'384, 'x')}})));
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(reason(refused), "message_too_large");
}

TEST_F(GatewayTest, AJobThatNobodyWaitsForIsKnownWhereverItsPhotoTravels) {
  options_.photo_in_message = true;
  ASSERT_TRUE(start(false));
  const json::value accepted = json::parse(send(post("/v1/recognise?wait=0", form({{"a.jpg", "Paul"}}))).body);
  const auto queued = send(get(json::value_to<std::string>(accepted.at("location"))));
  EXPECT_EQ(queued.status, 202) << queued.body;
  EXPECT_TRUE(take_callers_job().photo.empty());
}

TEST_F(GatewayTest, SeveralFilesGiveALineOrAnElementEach) {
  recognise = [](const jobs::Job&, const Bytes& photo) {
    jobs::Outcome outcome;
    outcome.label = photo;
    if (photo == "broken") outcome.error_reason = "truncated", outcome.error_message = "It ends too early.";
    return outcome;
  };
  ASSERT_TRUE(start());
  const std::string body = form({{"a.jpg", "Ann"}, {"b.jpg", "broken"}, {"c.jpg", "Cy"}});
  const auto text = send(post("/", body));
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.body, "a:Ann\nb:error: truncated\nc:Cy\n");
  const auto list = json::parse(send(post("/v1/recognise", body)).body).as_array();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[1].at("error").at("reason").as_string(), "truncated");
  EXPECT_EQ(list[2].at("label").as_string(), "Cy");
}

TEST_F(GatewayTest, RecogniseTellsEverythingOfEveryFace) {
  ASSERT_TRUE(start());
  const json::value body = json::parse(send(post("/v1/recognise?gallery=staff", "Ann", "image/jpeg")).body);
  EXPECT_EQ(body.at("gallery").as_string(), "staff");
  EXPECT_EQ(body.at("name").as_string(), body.at("job_id").as_string()) << "a photo without a name has its job's";
  EXPECT_EQ(body.at("faces").as_array().size(), 1u);
  const json::value& face = body.at("faces").at(0);
  EXPECT_EQ(face.at("box").at("x").to_number<double>(), 10);
  EXPECT_EQ(face.at("box_normalised").at("y").to_number<double>(), 0.2);
  EXPECT_EQ(face.at("landmarks").as_array().size(), 5u);
  EXPECT_EQ(face.at("matches").at(0).at("person").as_string(), "Ann");
  EXPECT_TRUE(face.at("matches").at(0).at("above_threshold").as_bool());
  EXPECT_TRUE(face.at("main").as_bool());
  EXPECT_EQ(body.at("model").as_string(), "sface@0ba9fbfa");
  EXPECT_EQ(body.at("timings_ms").at("detect").to_number<double>(), 2.5);
  EXPECT_GT(body.at("timings_ms").at("total").to_number<double>(), 0);
}

TEST_F(GatewayTest, FormsPostedToUnknownPathsAreForTheEarlierClients) {
  ASSERT_TRUE(start());
  for (const char* path : {"/image", "/upload", "/api/image"})
    EXPECT_EQ(send(post(path, form({{"a.jpg", "Paul"}}))).body, "a:Paul") << path;
  EXPECT_EQ(reason(send(post("/v1/nothing", form({{"a.jpg", "Paul"}})))), "no_such_path");
  EXPECT_EQ(reason(send(post("/image", "Paul", "image/jpeg"))), "no_such_path");
}

// The invariant: by job id and nothing else.
TEST_F(GatewayTest, TwoCallersWithOneNameEachGetTheirOwnAnswer) {
  ASSERT_TRUE(start(false));
  const auto first = begin(post("/", form({{"same.jpg", "one"}})));
  const jobs::Job one = take_callers_job();
  const auto second = begin(post("/", form({{"same.jpg", "two"}})));
  const jobs::Job two = take_callers_job();
  EXPECT_NE(one.id, two.id);
  answer(two, "Two");
  ASSERT_TRUE(until([&] { return second->has_value(); }));
  EXPECT_EQ((*second)->body, "same:Two");
  EXPECT_FALSE(first->has_value());
  answer(one, "One");
  answer(one, "Another");  // delivered twice: nobody waits any more
  ASSERT_TRUE(until([&] { return first->has_value(); }));
  EXPECT_EQ((*first)->body, "same:One");
}

TEST_F(GatewayTest, AnAnswerThatWentAstrayIsFoundInTheStore) {
  options_.answer_timeout = Millis(300);
  ASSERT_TRUE(start(false));
  const auto response = begin(post("/", form({{"a.jpg", "one"}})));
  const jobs::Job job = take_callers_job();
  jobs::Outcome outcome;
  outcome.job_id = job.id;
  outcome.label = "Ann";
  run(store_->put(names_.job_bucket, jobs::outcome_key(job.id), jobs::encode(outcome), {})).value();
  ASSERT_TRUE(until([&] { return response->has_value(); }));
  EXPECT_EQ((*response)->body, "a:Ann");
}

TEST_F(GatewayTest, ACallerIsToldWhenNoAnswerCame) {
  options_.answer_timeout = Millis(50);
  ASSERT_TRUE(start(false));
  const auto response = send(post("/v1/recognise", "photo", "image/jpeg"));
  EXPECT_EQ(response.status, 504);
  EXPECT_EQ(reason(response), "answer_timeout");
}

TEST_F(GatewayTest, JobsCanBeAskedForLater) {
  ASSERT_TRUE(start(false));
  const auto response = send(post("/v1/recognise?wait=0&name=a.jpg", "photo", "image/jpeg"));
  EXPECT_EQ(response.status, 202);
  const std::string location(response.headers.get("location").value_or(""));
  const jobs::Job job = take_callers_job();
  EXPECT_EQ(location, "/v1/jobs/" + job.id);
  EXPECT_EQ(job.name, "a.jpg");
  EXPECT_EQ(send(get(location)).status, 202);
  answer(job, "Ann");
  const auto done = send(get(location));
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(json::parse(done.body).at("label").as_string(), "Ann");
  EXPECT_EQ(reason(send(get("/v1/jobs/" + make_id(1, random_)))), "no_such_job");
  EXPECT_EQ(send(get("/v1/jobs/..%2F..%2Fetc")).status, 404);
}

TEST_F(GatewayTest, PhotosGoOnceTheyAreAnsweredUnlessTheProfileKeepsThem) {
  ASSERT_TRUE(start());
  EXPECT_EQ(send(post("/", form({{"a.jpg", "Ann"}}))).status, 200);
  EXPECT_TRUE(until([&] { return keys(names_.job_bucket, "photos/").empty(); }));
  EXPECT_FALSE(keys(names_.job_bucket, "outcomes/").empty());
  stop();
  options_.photo_retention = "keep";
  ASSERT_TRUE(start(false));
  EXPECT_EQ(send(post("/", form({{"a.jpg", "Ann"}}))).status, 200);
  stop();
  EXPECT_EQ(keys(names_.job_bucket, "photos/").size(), 1u);
}

TEST_F(GatewayTest, WhatWasAnsweredWhileNoGatewayRanIsSwept) {
  const std::string answered = make_id(clock_.wall_ms(), random_), waiting = make_id(clock_.wall_ms(), random_);
  const std::string orphan = make_id(clock_.wall_ms() - 500'000'000, random_);
  for (const std::string& id : {answered, waiting, orphan})
    run(store_->put(names_.job_bucket, jobs::photo_key(id), "photo", {})).value();
  jobs::Outcome outcome;
  outcome.job_id = answered;
  run(store_->put(names_.job_bucket, jobs::outcome_key(answered), jobs::encode(outcome), {})).value();
  options_.outcome_retention = Millis(3'600'000);
  ASSERT_TRUE(start(false));
  const std::set<std::string> left{"photos/" + waiting};
  EXPECT_TRUE(until([&] {
    auto photos = keys(names_.job_bucket, "photos/");
    return photos.contains("photos/" + waiting) && !photos.contains("photos/" + answered) &&
           !photos.contains("photos/" + orphan);
  }));
  EXPECT_TRUE(keys(names_.job_bucket, "outcomes/").contains("outcomes/" + answered));
}

TEST_F(GatewayTest, ViewsShowThePhotoBeforeTheMessageAndTheLabelAfter) {
  options_.views = true;
  options_.photo_retention = "keep";
  ASSERT_TRUE(start(false));
  const auto response = begin(post("/", form({{"../up/test_001.jpg", "Paul"}})));
  const jobs::Job job = take_callers_job();
  EXPECT_TRUE(job.views);
  EXPECT_EQ(keys(names_.in_bucket), std::set<std::string>{"test_001.jpg"});
  answer(job, "Paul");
  ASSERT_TRUE(until([&] { return response->has_value(); }));
  EXPECT_EQ(keys(names_.out_bucket), std::set<std::string>{"test_001"});
}

TEST_F(GatewayTest, BadInputIsRefusedWithAReason) {
  options_.photo_bytes_max = 1'000;
  options_.body_bytes_max = 5'000;
  options_.files_max = 2;
  ASSERT_TRUE(start());
  const std::string path = "/v1/recognise";
  const auto check = [&](net::HttpRequest request, int status, const char* why) {
    const auto response = send(std::move(request));
    EXPECT_EQ(response.status, status) << why;
    EXPECT_EQ(reason(response), why);
  };
  check(post(path, "", "image/jpeg"), 400, "empty");
  check(post(path, form({{"a.jpg", ""}})), 400, "empty");
  check(post(path, form({})), 400, "no_file");
  check(post(path, "x", "multipart/form-data"), 400, "no_boundary");
  check(post(path, "x", "text/plain"), 400, "unsupported_content_type");
  check(post(path, std::string(1'001, 'x'), "image/jpeg"), 413, "photo_too_large");
  check(post(path, std::string(6'000, 'x'), "image/jpeg"), 413, "body_too_large");
  check(post(path, form({{"a", "1"}, {"b", "2"}, {"c", "3"}})), 400, "too_many_files");
  check(post(path, form({{std::string("a\0b", 3), "1"}})), 400, "bad_name");
  check(post(path, form({{std::string(256, 'n'), "1"}})), 400, "name_too_long");
  check(post(path + "?gallery=../x", "1", "image/jpeg"), 400, "bad_gallery_name");
  check(post(path + "?matches=0", "1", "image/jpeg"), 400, "bad_parameter");
  check(get(path), 405, "method_not_allowed");
  check(get("/nothing"), 404, "no_such_path");
  EXPECT_EQ(send(post(path, form({{"../../etc/passwd", "Ann"}}))).status, 200);
}

TEST_F(GatewayTest, TextClientsReadASentenceWhereAnErrorIs) {
  recognise = [](const jobs::Job&, const Bytes&) {
    jobs::Outcome outcome;
    outcome.error_reason = "not_an_image";
    outcome.error_message = "This is no JPEG, PNG or WebP.";
    return outcome;
  };
  ASSERT_TRUE(start());
  const auto text = send(post("/", form({{"a.jpg", "x"}})));
  EXPECT_EQ(text.status, 415);
  EXPECT_EQ(text.body, "This is no JPEG, PNG or WebP. (not_an_image)\n");
  const auto envelope = send(post("/v1/recognise", form({{"a.jpg", "x"}})));
  EXPECT_EQ(envelope.status, 415);
  EXPECT_EQ(reason(envelope), "not_an_image");
  EXPECT_EQ(json::parse(envelope.body).at("request_id").as_string(), *envelope.headers.get("x-request-id"));
}

TEST_F(GatewayTest, OneKeyIsOneJobHoweverOftenItIsSent) {
  ASSERT_TRUE(start());
  const auto keyed = [](std::string photo, const char* key) {
    auto request = post("/v1/recognise", std::move(photo), "image/jpeg");
    request.headers.set("Idempotency-Key", key);
    return request;
  };
  until([&] { return jobs_done_ == 1; });  // the readiness check's
  const auto first = send(keyed("Ann", "k1"));
  EXPECT_EQ(first.status, 200);
  const auto again = send(keyed("Ann", "k1"));
  EXPECT_EQ(json::parse(again.body).at("job_id"), json::parse(first.body).at("job_id"));
  EXPECT_EQ(*again.headers.get("x-request-id"), *first.headers.get("x-request-id"));
  EXPECT_EQ(jobs_done_, 2);
  const auto other = send(keyed("Bob", "k1"));
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(reason(other), "idempotency_key_reused");
  EXPECT_EQ(json::parse(send(keyed("Bob", "k2")).body).at("label").as_string(), "Bob");
  EXPECT_EQ(reason(send(keyed("Bob", ""))), "bad_idempotency_key");
}

TEST_F(GatewayTest, RetriesWhileTheFirstIsUnderWayWaitForTheSameJob) {
  ASSERT_TRUE(start(false));
  auto request = post("/v1/recognise", "photo", "image/jpeg");
  request.headers.set("Idempotency-Key", "k");
  const auto first = begin(request);
  const jobs::Job job = take_callers_job();
  const auto second = begin(request);
  until([&] { return keys(names_.job_bucket, "photos/").size() >= 2; });
  answer(job, "Ann");
  ASSERT_TRUE(until([&] { return first->has_value() && second->has_value(); }));
  EXPECT_EQ((*first)->body.substr(0, 60), (*second)->body.substr(0, 60));
  auto requests = run(queues_->open(names_.request_queue)).value();
  EXPECT_EQ(run(requests->counts()).value().visible, 0u) << "one job, not two";
}

// The gateway died between the record and the job: the retry finds neither photo nor outcome, and does it all.
TEST_F(GatewayTest, ARetryFinishesWhatADeadGatewayBegan) {
  ASSERT_TRUE(start());
  auto request = post("/v1/recognise", "Ann", "image/jpeg");
  request.headers.set("Idempotency-Key", "k");
  const auto first = send(request);
  const std::string id(json::parse(first.body).at("job_id").as_string());
  run(store_->remove(names_.job_bucket, {jobs::outcome_key(id), jobs::photo_key(id)})).value();
  const auto again = send(request);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json::parse(again.body).at("job_id").as_string(), id);
}

// A try that fails must not take the photo from a job that another try under the same key has queued, or will.
TEST_F(GatewayTest, AKeyedPhotoStaysThoughItsSendFails) {
  ASSERT_TRUE(start(false));
  run(queues_->remove(names_.request_queue)).value();
  auto with_key = post("/v1/recognise", "Ann", "image/jpeg");
  with_key.headers.set("Idempotency-Key", "k");
  const auto keyed = send(std::move(with_key)), plain = send(post("/v1/recognise", "Bob", "image/jpeg"));
  EXPECT_GE(keyed.status, 400);
  EXPECT_GE(plain.status, 400);
  const auto is_kept = [&](const net::HttpResponse& response) {
    return keys(names_.job_bucket, "photos/").contains(jobs::photo_key(*response.headers.get("x-request-id")));
  };
  EXPECT_TRUE(until([&] { return !is_kept(plain); }));
  EXPECT_TRUE(is_kept(keyed));
}

TEST_F(GatewayTest, ARetryAsksWhetherTheJobIsDone) {
  ASSERT_TRUE(start(false));
  auto request = post("/v1/recognise", "Ann", "image/jpeg");
  request.headers.set("Idempotency-Key", "k");
  const auto first = begin(request);
  const jobs::Job job = take_callers_job();
  EXPECT_FALSE(job.again);
  stop();  // the first caller's gateway is gone, and with it who waited
  ASSERT_TRUE(start(false));
  const auto second = begin(request);
  const jobs::Job again = take_callers_job();
  EXPECT_EQ(again.id, job.id);
  EXPECT_TRUE(again.again);
  answer(again, "Ann");
  ASSERT_TRUE(until([&] { return second->has_value(); }));
  EXPECT_EQ((*second)->status, 200);
}

// Several gateways, each with a response queue of its own.
class OneOfSeveral : public GatewayTest {
 protected:
  OneOfSeveral() {
    options_.own_response_queue = true;
    options_.dead_after = Millis(300);
  }

  std::vector<std::string> own_queues() { return run(queues_->list(names_.response_queue + "-")).value(); }
  bool is_there(const std::string& queue) { return run(queues_->open(queue)).has_value(); }
};

TEST_F(OneOfSeveral, HasAQueueOfItsOwnAsLongAsItLives) {
  ASSERT_TRUE(start());
  EXPECT_EQ(send(post("/", form({{"a.jpg", "Ann"}}))).body, "a:Ann");
  ASSERT_EQ(own_queues().size(), 1u);
  const std::string id = own_queues().front().substr(names_.response_queue.size() + 1);
  EXPECT_EQ(keys(names_.job_bucket, "gateways/"), std::set<std::string>{"gateways/" + id});
  stop();
  EXPECT_TRUE(own_queues().empty());
  EXPECT_TRUE(keys(names_.job_bucket, "gateways/").empty());
  EXPECT_TRUE(is_there(names_.response_queue)) << "which is not its own";
}

TEST_F(OneOfSeveral, CollectsTheDeadAndLeavesTheLivingAlone) {
  const std::string dead = names_.response_queue + "-00000000dead",
                    unsigned_one = names_.response_queue + "-0000000000aa";
  const std::string foreign = names_.response_queue + "-of-somebody-else";
  for (const std::string& queue : {dead, unsigned_one, foreign}) ASSERT_TRUE(run(queues_->create(queue, {})));
  ASSERT_TRUE(run(store_->put(names_.job_bucket, "gateways/00000000dead", "{}", {})));
  ASSERT_TRUE(run(store_->put(names_.job_bucket, "gateways/00000000beef", "{}", {}))) << "its queue is gone already";
  // What the dead one did not read: its photo goes, as it is answered.
  jobs::Job job;
  job.id = make_id(clock_.wall_ms(), random_);
  job.reply_to = dead;
  ASSERT_TRUE(run(store_->put(names_.job_bucket, jobs::photo_key(job.id), "photo", {})));
  answer(job, "Ann");

  auto neighbour = Gateway::open(context_.get_executor(), options_,
                                 {*queues_, *store_, *galleries_, fleet_, clock_, random_, Log::silent()})
                       .value();
  bool neighbour_runs = true;
  asio::co_spawn(context_, neighbour->run(), [&](std::exception_ptr, const Result<void>&) { neighbour_runs = false; });
  ASSERT_TRUE(start());
  ASSERT_TRUE(until([&] { return !is_there(dead) && !is_there(unsigned_one); }));
  EXPECT_TRUE(is_there(foreign));
  ASSERT_TRUE(until([&] { return keys(names_.job_bucket, "photos/").empty(); }));
  ASSERT_TRUE(until([&] { return keys(names_.job_bucket, "gateways/").size() == 2; })) << "those of the two that live";
  EXPECT_EQ(own_queues().size(), 3u);
  run(neighbour->drain(clock_.now() + Millis(200)));
  EXPECT_TRUE(until([&] { return !neighbour_runs; }));
  EXPECT_EQ(own_queues().size(), 2u);
  EXPECT_EQ(send(post("/", form({{"a.jpg", "Ann"}}))).body, "a:Ann");
}

TEST_F(OneOfSeveral, GoesOnWithAnotherQueueWhereItsOwnIsGone) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(until([&] { return own_queues().size() == 1; }));
  const std::string lost = own_queues().front();
  ASSERT_TRUE(run(queues_->remove(lost)));
  ASSERT_TRUE(until([&] { return own_queues().size() == 1 && own_queues().front() != lost; }));
  EXPECT_EQ(send(post("/", form({{"a.jpg", "Ann"}}))).body, "a:Ann");
  ASSERT_TRUE(until([&] { return keys(names_.job_bucket, "gateways/").size() == 1; }));
}

TEST_F(OneOfSeveral, ShowsTheAnswersOfAll) {
  const std::string other = names_.response_queue + "-0000000000bb";
  auto queue = run(queues_->create(other, {})).value();
  ASSERT_TRUE(run(store_->put(names_.job_bucket, "gateways/0000000000bb", "{}", {})));
  queue::Outgoing message{"an answer", Millis(0)};
  ASSERT_TRUE(run(queue->send(std::move(message))));
  options_.dead_after = Millis(600'000);
  ASSERT_TRUE(start());
  ASSERT_TRUE(until([&] {
    const auto status = json::parse(send(get("/v1/status")).body);
    const auto* queues = status.as_object().if_contains("queues");
    return queues && queues->at("response").at("visible").as_int64() == 1;
  }));
}

TEST_F(GatewayTest, KnownBytesAreAnsweredFromTheirOutcomeWhereTheProfileSaysSo) {
  options_.reuse = true;
  options_.views = true;
  ASSERT_TRUE(start());
  until([&] { return jobs_done_ == 1; });
  jobs::Outcome outcome;
  outcome.job_id = make_id(clock_.wall_ms(), random_);
  outcome.label = "Ann";
  outcome.model = "sface@0ba9fbfa";
  const std::string key = jobs::reuse_key(hex(sha256("photo")), "default");
  run(store_->put(names_.job_bucket, key, jobs::encode(outcome), {})).value();
  const auto response = send(post("/", form({{"a.jpg", "photo"}})));
  EXPECT_EQ(response.body, "a:Ann");
  EXPECT_EQ(jobs_done_, 1);
  EXPECT_EQ(keys(names_.in_bucket), std::set<std::string>{"a.jpg"});
  EXPECT_EQ(keys(names_.out_bucket), std::set<std::string>{"a"});
  EXPECT_EQ(send(get("/v1/jobs/" + std::string(*response.headers.get("x-request-id")))).status, 200);

  outcome.gallery_version = 7;  // of another version of the gallery: recognised anew
  run(store_->put(names_.job_bucket, key, jobs::encode(outcome), {})).value();
  EXPECT_EQ(send(post("/", form({{"a.jpg", "photo"}}))).body, "a:photo");
  EXPECT_EQ(jobs_done_, 2);
}

TEST_F(GatewayTest, ReadyOnceAWorkerHasRecognisedTheBundledPicture) {
  options_.views = true;
  ASSERT_TRUE(start(false));
  EXPECT_EQ(send(get("/healthz")).status, 200);
  EXPECT_EQ(send(get("/readyz")).status, 503);
  const jobs::Job job = take_job();
  EXPECT_FALSE(job.views);
  jobs::Outcome outcome;
  outcome.job_id = job.id;
  outcome.faces = {face_of("unknown")};
  outcome.main_face = 0;
  run(give(job, outcome));
  EXPECT_TRUE(until([&] { return send(get("/readyz")).status == 200; }));
  EXPECT_TRUE(until(
      [&] { return keys(names_.job_bucket, "photos/").empty() && keys(names_.job_bucket, "outcomes/").empty(); }));
  EXPECT_TRUE(keys(names_.in_bucket).empty() && keys(names_.out_bucket).empty());
  stop();
  ASSERT_TRUE(start(false));  // at zero workers
  EXPECT_TRUE(until([&] { return send(get("/readyz")).status == 200; }));
}

TEST_F(GatewayTest, StrangersOriginsAndHostsAreRefused) {
  ASSERT_TRUE(start());
  auto foreign = post("/", form({{"a.jpg", "Ann"}}));
  foreign.headers.set("Origin", "https://evil.example");
  EXPECT_EQ(send(std::move(foreign)).status, 403);
  auto opaque = post("/", form({{"a.jpg", "Ann"}}));
  opaque.headers.set("Origin", "null");
  EXPECT_EQ(send(std::move(opaque)).status, 403);
  auto own = post("/", form({{"a.jpg", "Ann"}}));
  own.headers.set("Origin", "http://127.0.0.1:" + std::to_string(gateway_->port()));
  EXPECT_EQ(send(std::move(own)).status, 200);
  auto rebound = get("/v1/models");
  rebound.headers.set("Host", "evil.example");
  const auto response = send(std::move(rebound));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(reason(response), "host_not_allowed");
}

TEST_F(GatewayTest, KeysOpenWhatTheirScopesSay) {
  options_.keys = {{"reader", hex(sha256("r-key")), {"read"}}, {"caller", hex(sha256("c-key")), {"recognise"}}};
  ASSERT_TRUE(start());
  const auto with = [](net::HttpRequest request, const std::string& key) {
    request.headers.set("Authorization", "Bearer " + key);
    return request;
  };
  const auto photo = [] { return post("/v1/recognise", "Ann", "image/jpeg"); };
  const auto refused = send(photo());
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(reason(refused), "no_key");
  EXPECT_EQ(*refused.headers.get("www-authenticate"), "Bearer");
  EXPECT_EQ(send(with(photo(), "guess")).status, 401);
  EXPECT_EQ(reason(send(with(photo(), "r-key"))), "missing_scope");
  EXPECT_EQ(send(with(photo(), "c-key")).status, 200);
  auto other_header = get("/v1/models");
  other_header.headers.set("X-API-Key", "r-key");
  EXPECT_EQ(send(std::move(other_header)).status, 200);
  EXPECT_EQ(send(get("/healthz")).status, 200);
  EXPECT_EQ(send(get("/")).status, 200);
}

TEST_F(GatewayTest, KeysChangeWhileItServes) {
  ASSERT_TRUE(start());
  const auto with = [](const std::string& key) {
    auto request = get("/v1/models");
    request.headers.set("X-API-Key", key);
    return request;
  };
  EXPECT_EQ(send(get("/v1/models")).status, 200);
  gateway_->set_keys({{"one", hex(sha256("first")), {"read"}}});
  EXPECT_EQ(send(get("/v1/models")).status, 401);
  EXPECT_EQ(send(with("first")).status, 200);
  gateway_->set_keys({{"two", hex(sha256("second")), {"read"}}});
  EXPECT_EQ(send(with("first")).status, 401);
  EXPECT_EQ(send(with("second")).status, 200);
}

TEST_F(GatewayTest, TheLastKeysRemovalOpensNothing) {
  options_.keys = {{"one", hex(sha256("first")), {"read"}}};
  ASSERT_TRUE(start());
  gateway_->set_keys({});
  EXPECT_EQ(send(get("/v1/models")).status, 401);
  EXPECT_EQ(send(get("/healthz")).status, 200);
}

TEST_F(GatewayTest, ALoadBalancerProbesByAddress) {
  options_.hosts_allowed = {"faces.example"};
  ASSERT_TRUE(start());
  for (const auto* path : {"/healthz", "/readyz"}) {
    auto probe = get(path);
    probe.headers.set("Host", "10.0.0.7:8000");
    EXPECT_EQ(send(std::move(probe)).status, 200) << path;
  }
}

TEST_F(GatewayTest, BeyondLoopbackWithoutAKeyIsRefusedAtStart) {
  options_.listen_host = "0.0.0.0";
  const auto refused = start();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--open"), std::string::npos);
  options_.open = true;
  EXPECT_TRUE(start());
}

TEST_F(GatewayTest, TooLongAQueueIsSaidAtOnce) {
  options_.queue_length_max = 3;
  ASSERT_TRUE(start(false));
  auto requests = run(queues_->open(names_.request_queue)).value();
  for (int i = 0; i < 3; ++i) run(requests->send({"message", Millis(0)})).value();
  std::optional<net::HttpResponse> refused;
  EXPECT_TRUE(until([&] {  // the first look is made on behalf of later callers
    refused = send(post("/v1/recognise?wait=0", "photo", "image/jpeg"));
    return refused->status == 429;
  }));
  EXPECT_EQ(reason(*refused), "overloaded");
  EXPECT_GE(std::stoi(std::string(refused->headers.get("retry-after").value_or("0"))), 1);
  EXPECT_EQ(send(get("/healthz")).status, 200);
}

TEST_F(GatewayTest, DrainingAnswersThoseWhoWait) {
  ASSERT_TRUE(start(false));
  const auto response = begin(post("/", form({{"a.jpg", "photo"}})));
  const jobs::Job job = take_callers_job();
  bool drained = false;
  asio::co_spawn(context_, gateway_->drain(clock_.now() + kTimeout), [&](std::exception_ptr) { drained = true; });
  context_.restart();
  context_.run_for(Millis(20));
  EXPECT_FALSE(drained);
  answer(job, "Ann");
  EXPECT_TRUE(until([&] { return drained; }));
  ASSERT_TRUE(response->has_value());
  EXPECT_EQ((*response)->body, "a:Ann");
}

TEST_F(GatewayTest, StatusShowsQueuesAndFleet) {
  ASSERT_TRUE(start());
  run(store_->put(names_.job_bucket, std::string(jobs::kAutoscalerStatusKey), R"({"reason":"3 jobs"})", {})).value();
  EXPECT_EQ(send(post("/", form({{"a.jpg", "Ann"}}))).status, 200);
  const json::value status = json::parse(send(get("/v1/status")).body);
  EXPECT_EQ(status.at("profile").as_string(), "default");
  EXPECT_EQ(status.at("queues").at("request").at("visible").to_number<int>(), 0);
  EXPECT_EQ(status.at("fleet").at("cap").to_number<int>(), 4);
  EXPECT_EQ(status.at("fleet").at("instances").as_array().size(), 1u);
  EXPECT_EQ(status.at("fleet").at("instances").at(0).at("worker").as_string(), "idle");
  EXPECT_EQ(status.at("autoscaler").at("reason").as_string(), "3 jobs");
  const auto metrics = send(get("/metrics"));
  EXPECT_NE(metrics.body.find("facefleet_http_requests_total{route=\"POST /\",status=\"200\"} 1"), std::string::npos)
      << metrics.body;
  EXPECT_NE(metrics.body.find("facefleet_instances{state=\"running\"} 1"), std::string::npos);
}

TEST_F(GatewayTest, ThePageIsServedWithAPolicy) {
  ASSERT_TRUE(start());
  const auto page = send(get("/"));
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(page.headers.get("content-type")->starts_with("text/html"));
  EXPECT_TRUE(page.headers.get("content-security-policy")->starts_with("default-src 'none'"));
  for (const char* file : {"/ui/style.css", "/ui/app.js"}) EXPECT_NE(page.body.find(file), std::string::npos) << file;
  for (const char* file : {"/ui/style.css", "/ui/app.js", "/ui/fleet.js"}) {
    EXPECT_EQ(send(get(file)).status, 200) << file;
  }
  EXPECT_EQ(send(get("/ui/..%2Fsecret")).status, 404);
}

class Enrolling : public GatewayTest {
 protected:
  Enrolling() {
    recognise = [](const jobs::Job& job, const Bytes& photo) {
      jobs::Outcome outcome;
      outcome.label = job.kind == jobs::Kind::kRecognise ? "Ann" : "";
      if (photo == "landscape") return outcome;
      outcome.faces = {face_of("Ann", photo == "far away" ? 12 : 40)};
      if (photo == "group") outcome.faces.push_back(face_of("Ann"));
      outcome.main_face = 0;
      if (job.kind == jobs::Kind::kEmbed) {
        std::vector<float> embedding(128, 0);
        embedding[photo.size() % 128] = 1;
        outcome.embedding = Bytes(reinterpret_cast<const char*>(embedding.data()), embedding.size() * sizeof(float));
        outcome.chip_png = "chip of " + photo;
      }
      return outcome;
    };
  }

  net::HttpResponse enrol(const std::vector<std::pair<std::string, std::string>>& files, std::string person = "Ann") {
    return send(post("/v1/galleries/default/persons/" + person + "/photos", form(files)));
  }
};

TEST_F(Enrolling, PhotosBecomeTemplatesOnce) {
  ASSERT_TRUE(start());
  const auto added = enrol({{"1.jpg", "smile"}, {"2.jpg", "group"}});
  EXPECT_EQ(added.status, 201) << added.body;
  const json::value body = json::parse(added.body);
  EXPECT_EQ(body.at("photos").at(0).at("status").as_string(), "added");
  EXPECT_EQ(body.at("photos").at(1).at("notes").at(0).as_string(), "several_faces");
  const auto again = enrol({{"1.jpg", "smile"}});
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json::parse(again.body).at("photos").at(0).at("status").as_string(), "already_enrolled");
  const json::value persons = json::parse(send(get("/v1/galleries/default/persons")).body);
  EXPECT_EQ(persons.at("persons").at(0).at("person").as_string(), "Ann");
  EXPECT_EQ(persons.at("persons").at(0).at("templates").to_number<int>(), 2);
  const json::value galleries = json::parse(send(get("/v1/galleries")).body);
  EXPECT_EQ(galleries.at("galleries").at(0).at("gallery").as_string(), "default");
  EXPECT_TRUE(until([&] { return keys(names_.job_bucket, "photos/").empty(); }));
}

TEST_F(Enrolling, RejectionsHaveAReason) {
  ASSERT_TRUE(start());
  const auto none = enrol({{"1.jpg", "landscape"}});
  EXPECT_EQ(none.status, 422);
  EXPECT_EQ(reason(none), "no_face");
  const auto small = enrol({{"1.jpg", "far away"}});
  EXPECT_EQ(reason(small), "face_too_small");
  EXPECT_EQ(send(post("/v1/galleries/default/persons/Ann/photos?min_face_px=10", form({{"1.jpg", "far away"}}))).status,
            201);
  const auto mixed = enrol({{"1.jpg", "landscape"}, {"2.jpg", "smile"}});
  EXPECT_EQ(mixed.status, 201);
  EXPECT_EQ(json::parse(mixed.body).at("photos").at(0).at("error").at("reason").as_string(), "no_face");
  EXPECT_EQ(reason(enrol({{"1.jpg", "smile"}}, "unknown")), "bad_person_name");
}

TEST_F(Enrolling, ManyAtOnceCostFewVersions) {
  ASSERT_TRUE(start());
  std::vector<std::shared_ptr<std::optional<net::HttpResponse>>> responses;
  for (int i = 0; i < 40; ++i)
    responses.push_back(begin(post("/v1/galleries/default/persons/P" + std::to_string(i) + "/photos",
                                   form({{"1.jpg", std::string(static_cast<std::size_t>(i + 1), 'x')}}))));
  for (const auto& response : responses) {
    ASSERT_TRUE(until([&] { return response->has_value(); }));
    EXPECT_EQ((*response)->status, 201);
  }
  const json::value persons = json::parse(send(get("/v1/galleries/default/persons")).body);
  EXPECT_EQ(persons.at("persons").as_array().size(), 40u);
  EXPECT_LT(persons.at("version").to_number<int>(), 40);
  std::vector<std::pair<std::string, std::string>> album;
  for (int i = 0; i < 40; ++i) album.emplace_back("a.jpg", std::string(static_cast<std::size_t>(i + 50), 'y'));
  const auto version = json::parse(enrol(album).body).at("version").to_number<int>();
  EXPECT_LT(version - persons.at("version").to_number<int>(), 10);
}

TEST_F(Enrolling, APersonCanBeExportedAndForgotten) {
  options_.views = true;
  ASSERT_TRUE(start());
  EXPECT_EQ(enrol({{"1.jpg", "smile"}}, "Ann%20B").status, 201);
  EXPECT_EQ(enrol({{"1.jpg", "smile"}}, "Ann").status, 201);
  const json::value exported = json::parse(send(get("/v1/galleries/default/persons/Ann/export")).body);
  const json::value& one = exported.at("templates").at(0);
  EXPECT_EQ(one.at("photo_sha256").as_string(), hex(sha256("smile")));
  EXPECT_EQ(one.at("chip_png_base64").as_string(), base64("chip of smile"));
  EXPECT_EQ(base64_decode(std::string(one.at("embedding_f32_base64").as_string()))->size(), 512u);

  EXPECT_EQ(send(post("/", form({{"seen.jpg", "somebody"}}))).body, "seen:Ann");
  EXPECT_EQ(keys(names_.out_bucket), std::set<std::string>{"seen"});
  const auto deleted = send(get("/v1/galleries/default/persons/Ann", "DELETE"));
  EXPECT_EQ(deleted.status, 200) << deleted.body;
  EXPECT_TRUE(keys(names_.out_bucket).empty());
  for (const std::string& key : keys(names_.job_bucket, "outcomes/"))
    EXPECT_EQ(run(store_->get(names_.job_bucket, key, std::nullopt)).value().body.find("Ann"), std::string::npos);
  EXPECT_EQ(send(get("/v1/galleries/default/persons/Ann", "DELETE")).status, 404);
  const json::value persons = json::parse(send(get("/v1/galleries/default/persons")).body);
  EXPECT_EQ(persons.at("persons").at(0).at("person").as_string(), "Ann B");
  EXPECT_EQ(send(get("/v1/galleries/default", "DELETE")).status, 200);
  EXPECT_EQ(send(get("/v1/galleries/default", "DELETE")).status, 404);
}

// As after a first try whose gateway died between the two.
TEST_F(Enrolling, ADeletionThatIsTriedAgainFindsOutcomesThatCameMeanwhile) {
  ASSERT_TRUE(start());
  EXPECT_EQ(enrol({{"1.jpg", "smile"}}, "Ann").status, 201);
  const auto answer = send(post("/v1/recognise", form({{"seen.jpg", "somebody"}})));
  const std::string key = "outcomes/" + std::string(json::parse(answer.body).at("job_id").as_string());
  const Bytes outcome = run(store_->get(names_.job_bucket, key, std::nullopt)).value().body;
  EXPECT_EQ(send(get("/v1/galleries/default", "DELETE")).status, 200);
  EXPECT_FALSE(keys(names_.job_bucket, "outcomes/").contains(key));
  ASSERT_TRUE(run(store_->put(names_.job_bucket, key, outcome, {})));
  EXPECT_EQ(send(get("/v1/galleries/default", "DELETE")).status, 200);
  EXPECT_FALSE(keys(names_.job_bucket, "outcomes/").contains(key));
}

TEST_F(GatewayTest, PurgeLeavesNothingAndTellsThoseWhoWait) {
  options_.views = true;
  ASSERT_TRUE(start(false));
  const auto response = begin(post("/v1/recognise", form({{"a.jpg", "photo"}})));
  take_callers_job();
  const auto purged = send(post("/v1/admin/purge", "", ""));
  EXPECT_EQ(purged.status, 200);
  ASSERT_TRUE(until([&] { return response->has_value(); }));
  EXPECT_EQ((*response)->status, 410);
  EXPECT_EQ(reason(**response), "purged");
  EXPECT_TRUE(keys(names_.in_bucket).empty());
}

TEST(Replies, WhatTheStoreDeniesTheGatewayIsNoDenialOfItsCallers) {
  const Error expired{Code::kDenied, "User: arn:aws:iam::1:role/r may not sqs:SendMessage.", "AccessDenied"};
  const auto response = error_response(told_to_caller(expired), "r");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body.find("arn:"), std::string::npos) << "who we are is not the caller's to know";
  EXPECT_EQ(error_response(told_to_caller({Code::kNotFound, "None.", ""}), "r").status, 404);
}

}  // namespace
}  // namespace facefleet::gateway
