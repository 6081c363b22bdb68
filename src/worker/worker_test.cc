// The worker on memory backends and the real models: what it does with one message, whatever state it finds.
#include "worker/worker.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/detached.hpp>
#include <filesystem>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/testing.h"
#include "config/model_card.h"
#include "queue/backends/memory_queue.h"
#include "store/backends/memory_store.h"
#include "store/hooked_store.h"

namespace facefleet::worker {
namespace {

constexpr std::uint32_t kReceivesMax = 3;

class RecordingSelf final : public fleet::Self {
 public:
  const std::string& instance_id() const override { return id_; }
  void report(fleet::WorkerState state, std::int64_t jobs_done) override {
    states.push_back(state);
    done = jobs_done;
  }
  std::vector<fleet::WorkerState> states;
  std::int64_t done = 0;

 private:
  std::string id_ = "i-0123456789abcdef0";
};

// The machine's clock, which a test may put forward.
class ShiftedClock final : public Clock {
 public:
  MonoTime now() const override { return system_.now() + shift; }
  std::int64_t wall_ms() const override { return system_.wall_ms() + shift.count(); }
  Millis shift{0};

 private:
  SystemClock system_;
};

vision::ModelSpec spec(const std::string& name) {
  const auto card = config::find_model_card(config::load_model_cards("models").value(), name).value();
  return {card.name,
          card.family,
          card.sha256,
          std::filesystem::path(".deps/models") / card.file,
          card.dimensions,
          static_cast<float>(card.threshold),
          std::filesystem::path(".deps/models") / card.classes_file,
          card.classes_sha256};
}

Bytes photo(const std::string& name) { return read_file(std::filesystem::path(".deps/testphotos") / name).value(); }

class WorkerTest : public ::testing::Test {
 public:
  void SetUp() override {
    names_ = std::make_unique<jobs::Names>("t");
    queues_ = queue::open_memory_queues(context_.get_executor(), clock_, random_, Log::silent());
    memory_ = store::open_memory_store(clock_);
    store_ = std::make_unique<store::HookedStore>(*memory_);
    cache_ = std::filesystem::temp_directory_path() / ("worker_test." + std::to_string(::getpid()));
    galleries_ = gallery::Galleries::open(*store_, names_->gallery_bucket, cache_ / "galleries", clock_);
    run_task(context_, make());
  }

  void TearDown() override { std::filesystem::remove_all(cache_); }

  // Lists built outside the coroutines that walk them: gcc 12 rejects an initialiser list in a coroutine's range-for.
  std::vector<std::string> queue_names() const {
    return {names_->request_queue, names_->response_queue, names_->dead_queue};
  }
  std::vector<bool> both() const { return {false, true}; }
  std::vector<std::string> bucket_names() const {
    return {names_->job_bucket, names_->gallery_bucket, names_->out_bucket};
  }

  Task<> make() {
    for (const auto& name : queue_names()) {
      queue::Attributes plain;
      auto made = co_await queues_->create(name, plain);
      if (!made) ADD_FAILURE() << made.error().message;
    }
    for (const auto& bucket : bucket_names()) {
      auto made = co_await store_->create_bucket(bucket);
      if (!made) ADD_FAILURE() << made.error().message;
    }
  }

  std::unique_ptr<Worker> create(std::uint32_t prefetch = 0, Options options = {}) {
    options.names = *names_;
    options.prefetch = prefetch;
    options.receives_max = receives_max_;
    options.retry_pause = Millis(1);
    vision::PipelineOptions pipeline;
    pipeline.detector = spec("yunet");
    pipeline.embedder = spec("sface");
    pipeline.cache_dir = cache_ / "models";
    return Worker::create(options, {*queues_, *store_, *galleries_, std::move(pipeline), self_, clock_, Log::silent(),
                                    [this] { return end_instance(); }});
  }

  jobs::Job job(const std::string& name = "a.jpg") {
    jobs::Job job;
    job.id = make_id(clock_.wall_ms(), random_);
    job.name = name;
    job.reply_to = names_->response_queue;
    job.accepted_ms = clock_.wall_ms();
    return job;
  }

  Task<> put_photo(std::string id, Bytes bytes) {
    store::Put options;
    auto put = co_await memory_->put(names_->job_bucket, jobs::photo_key(id), std::move(bytes), options);
    if (!put) ADD_FAILURE() << put.error().message;
  }

  Task<> send(Bytes body) {
    auto requests = co_await queues_->open(names_->request_queue);
    queue::Outgoing message{std::move(body), Millis(0)};
    auto sent = co_await (*requests)->send(std::move(message));
    if (!sent) ADD_FAILURE() << sent.error().message;
  }

  Task<jobs::Outcome> next_answer() {
    auto responses = co_await queues_->open(names_->response_queue);
    queue::Receive request;
    request.wait = Millis(20'000);
    auto messages = co_await (*responses)->receive(std::move(request));
    if (!messages || messages->empty()) {
      ADD_FAILURE() << "no answer came";
      co_return jobs::Outcome{};
    }
    auto removed = co_await (*responses)->remove(messages->front().receipt);
    if (!removed) ADD_FAILURE() << removed.error().message;
    auto outcome = jobs::decode_outcome(messages->front().body);
    if (!outcome) ADD_FAILURE() << outcome.error().message;
    co_return *outcome;
  }

  Task<> remove_once_answered(std::string name) {
    auto queue = co_await queues_->open(name);
    queue::Receive request;
    request.wait = Millis(20'000);
    auto messages = co_await (*queue)->receive(std::move(request));
    EXPECT_TRUE(messages && messages->size() == 1);
    auto removed = co_await queues_->remove(name);
    EXPECT_TRUE(removed);
  }

  Task<queue::Counts> counts(std::string name) {
    auto opened = co_await queues_->open(std::move(name));
    co_return *co_await (*opened)->counts();
  }

  Task<bool> has_object(std::string bucket, std::string key) {
    auto found = co_await store_->head(std::move(bucket), std::move(key));
    co_return found.has_value();
  }

  // Starts `worker`, waits for `answers` answers, drains it and returns them.
  Task<std::vector<jobs::Outcome>> run_for(Worker& worker, int answers) {
    OneShot<int> ended(context_.get_executor());
    asio::co_spawn(context_, worker.run(),
                   [&ended](std::exception_ptr, Result<void> result) { ended.set(result ? 0 : 1); });
    std::vector<jobs::Outcome> outcomes;
    for (int i = 0; i < answers; ++i) {
      auto outcome = co_await next_answer();
      outcomes.push_back(std::move(outcome));
    }
    worker.drain();
    const auto status = co_await ended.wait_until(std::chrono::steady_clock::now() + std::chrono::minutes(1));
    EXPECT_EQ(status, 0);
    co_return outcomes;
  }

  // From now on each thing that is asked of the store under `prefix` fails so often.
  void fail_under(std::string prefix, std::uint32_t times) {
    store_->before = [this, prefix, times](std::string operation, std::string key) -> Task<Result<void>> {
      constexpr std::array kPassing{Code::kUnavailable, Code::kTimedOut, Code::kBusy};
      if (!key.starts_with(prefix)) co_return Result<void>();
      const std::uint32_t before = failures_[operation + " " + key]++;
      if (before < times) co_return Error{kPassing[before % kPassing.size()], "the store is away", ""};
      co_return Result<void>();
    };
  }

  // What a job with a view asks of the store.
  std::vector<std::string> steps_of(const jobs::Job& job) const {
    return {"get " + jobs::photo_key(job.id), "head default/manifest.json", "put " + jobs::outcome_key(job.id),
            "put " + std::string(jobs::stem(job.name))};
  }

  // Jobs with photos, sent in this order.
  Task<std::vector<jobs::Job>> send_jobs(int count) {
    std::vector<jobs::Job> sent;
    for (int i = 0; i < count; ++i) {
      sent.push_back(job());
      co_await put_photo(sent.back().id, photo("people/Joe_Biden/biden.jpg"));
      co_await send(jobs::encode(sent.back()));
    }
    co_return sent;
  }

  // Notes of each job how many are in flight, it included, as its photo is fetched.
  void watch_company(std::map<std::string, std::uint64_t>& company) {
    store_->before = [this, &company](std::string operation, std::string key) -> Task<Result<void>> {
      if (operation != "get" || !key.starts_with("photos/")) co_return Result<void>();
      const auto seen = co_await counts(names_->request_queue);
      company[key] = seen.in_flight;
      co_return Result<void>();
    };
  }

  Task<Result<gallery::Changes>> add_to_gallery(std::string person, jobs::Outcome embedded) {
    std::vector<float> values(embedded.embedding.value().size() / sizeof(float));
    std::memcpy(values.data(), embedded.embedding->data(), embedded.embedding->size());
    std::vector<gallery::Template> templates(1);
    templates[0].person = person;
    templates[0].embedding = values;
    templates[0].photo_sha256 = hex(sha256(person));
    auto added = co_await galleries_->add("default", embedded.model, templates);
    EXPECT_TRUE(added) << (added ? "" : added.error().message);
    co_return added;
  }

  Task<> enrol_obama() {
    auto worker = create();
    jobs::Job enrol = job();
    enrol.kind = jobs::Kind::kEmbed;
    co_await put_photo(enrol.id, photo("people/Barack_Obama/obama.jpg"));
    co_await send(jobs::encode(enrol));
    auto enrolled = co_await run_for(*worker, 1);
    (void)co_await add_to_gallery("Barack Obama", enrolled.front());
  }

  // As another process does.
  Task<> delete_obama() {
    auto others = gallery::Galleries::open(*memory_, names_->gallery_bucket, cache_ / "others", clock_);
    auto removed = co_await others->remove_person("default", "Barack Obama");
    EXPECT_TRUE(removed) << (removed ? "" : removed.error().message);
  }

  // A photo of Obama's, answered by `worker`, has left nothing that names him.
  Task<> expect_nobody_is_named(Worker& worker, jobs::Job job) {
    job.views = true;
    co_await put_photo(job.id, photo("probes/Barack_Obama.jpg"));
    co_await send(jobs::encode(job));
    auto answers = co_await run_for(worker, 1);
    EXPECT_EQ(answers.front().label, "unknown");
    std::vector<std::pair<std::string, std::string>> objects;
    objects.emplace_back(names_->job_bucket, jobs::outcome_key(job.id));
    objects.emplace_back(names_->job_bucket,
                         jobs::reuse_key(hex(sha256(photo("probes/Barack_Obama.jpg"))), job.gallery));
    objects.emplace_back(names_->out_bucket, std::string(jobs::stem(job.name)));
    for (const auto& [bucket, key] : objects) {
      auto stored = co_await memory_->get(bucket, key, std::nullopt);
      EXPECT_TRUE(stored && stored->body.find("Obama") == Bytes::npos) << key;
    }
    co_await expect_empty_queues();
  }

  // What the next one to ask finds on the request queue; the message is gone then.
  Task<std::vector<queue::Message>> take_request() {
    auto requests = co_await queues_->open(names_->request_queue);
    queue::Receive request;
    auto taken = co_await (*requests)->receive(std::move(request));
    for (const auto& message : *taken) {
      auto removed = co_await (*requests)->remove(message.receipt);
      EXPECT_TRUE(removed);
    }
    co_return *taken;
  }

  // Workers take what waits on the request queue and die, so many of them.
  Task<> die_of_the_requests(std::uint32_t workers) {
    auto requests = co_await queues_->open(names_->request_queue);
    for (std::uint32_t i = 0; i < workers; ++i) {
      queue::Receive request;
      request.max = 10;
      request.lease = Millis(0);
      auto taken = co_await (*requests)->receive(std::move(request));
      EXPECT_TRUE(taken && !taken->empty());
    }
  }

  // `job` has an outcome; a delivery more is answered from it.
  Task<> expect_the_finished_answer(Worker& worker, const jobs::Job& job, std::uint32_t deaths = 0) {
    jobs::Outcome finished;
    finished.job_id = job.id;
    finished.label = "as it was";
    store::Put plain;
    auto put = co_await store_->put(names_->job_bucket, jobs::outcome_key(job.id), jobs::encode(finished), plain);
    EXPECT_TRUE(put);
    co_await put_photo(job.id, photo("people/Joe_Biden/biden.jpg"));
    co_await send(jobs::encode(job));
    co_await die_of_the_requests(deaths);
    auto answers = co_await run_for(worker, 1);
    EXPECT_EQ(answers.front().label, "as it was");
    co_await expect_empty_queues();
  }

  Task<> expect_empty_queues() {
    for (const auto& name : queue_names()) {
      if (name == names_->dead_queue) continue;
      auto seen = co_await counts(name);
      EXPECT_EQ(seen.visible + seen.in_flight + seen.delayed, 0u) << name;
    }
  }

  Task<> expect_empty_request_queue() {
    const auto seen = co_await counts(names_->request_queue);
    EXPECT_EQ(seen.visible + seen.in_flight + seen.delayed, 0u);
  }

  // Fails the first `ends_refused_` times.
  Task<Result<void>> end_instance() {
    if (++ends_asked_ <= ends_refused_) co_return Error{Code::kUnavailable, "the fleet is away", ""};
    co_return Result<void>();
  }

  std::map<std::string, std::uint32_t> failures_;  // of the store, by operation and key
  std::uint32_t receives_max_ = kReceivesMax;
  int ends_asked_ = 0, ends_refused_ = 0;
  asio::io_context context_{1};
  ShiftedClock clock_;
  SystemRandom random_;
  RecordingSelf self_;
  std::unique_ptr<jobs::Names> names_;
  std::unique_ptr<queue::Queues> queues_;
  std::unique_ptr<store::ObjectStore> memory_;
  std::unique_ptr<store::HookedStore> store_;
  std::filesystem::path cache_;
  std::unique_ptr<gallery::Galleries> galleries_;
};

TEST_F(WorkerTest, EndsItsInstanceOnceThereIsNoWorkAndNotBefore) {
  const auto script = [](WorkerTest& t) -> Task<> {
    t.ends_refused_ = 1;
    Options options;
    options.ends_itself = Millis(50);
    auto worker = t.create(0, options);
    const jobs::Job ask = t.job("a.jpg");
    co_await t.put_photo(ask.id, photo("probes/unknown.jpg"));
    co_await t.send(jobs::encode(ask));
    const auto ran = co_await worker->run();  // to its end: nobody drains it
    EXPECT_TRUE(ran);
    EXPECT_EQ(t.ends_asked_, 2) << "what was refused is asked again";
    EXPECT_EQ(t.self_.done, 1);
    co_await t.expect_empty_request_queue();
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, EnrolsByEmbeddingAndThenNamesAnotherPhotoOfThatPerson) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create(1);
    jobs::Job enrol = t.job("obama.jpg");
    enrol.kind = jobs::Kind::kEmbed;
    co_await t.put_photo(enrol.id, photo("people/Barack_Obama/obama.jpg"));
    co_await t.send(jobs::encode(enrol));
    auto enrolled = co_await t.run_for(*worker, 1);
    const jobs::Outcome& embedded = enrolled.front();
    EXPECT_EQ(embedded.error_reason, "");
    EXPECT_TRUE(embedded.chip_png && embedded.chip_png->starts_with("\x89PNG"));
    const bool stored = co_await t.has_object(t.names_->job_bucket, jobs::outcome_key(enrol.id));
    EXPECT_FALSE(stored) << "an embedding must be kept in its gallery and nowhere else";

    auto added = co_await t.add_to_gallery("Barack Obama", embedded);

    auto second = t.create(1);
    jobs::Job ask = t.job("who.final.jpg");
    ask.views = true;
    jobs::Job other = t.job("other.jpg");
    co_await t.put_photo(ask.id, photo("probes/Barack_Obama.jpg"));
    co_await t.put_photo(other.id, photo("people/Joe_Biden/biden.jpg"));
    co_await t.send(jobs::encode(ask));
    co_await t.send(jobs::encode(other));
    auto answers = co_await t.run_for(*second, 2);
    for (const auto& answer : answers) {
      EXPECT_EQ(answer.label, answer.job_id == ask.id ? "Barack Obama" : "unknown");
      EXPECT_EQ(answer.gallery_version, added->version);
      EXPECT_EQ(answer.worker, t.self_.instance_id());
    }
    auto view = co_await t.store_->get(t.names_->out_bucket, "who", std::nullopt);
    EXPECT_TRUE(view && view->body == "Barack Obama");
    const bool other_view = co_await t.has_object(t.names_->out_bucket, "other");
    EXPECT_FALSE(other_view);
    co_await t.expect_empty_queues();
    EXPECT_EQ(t.self_.states.back(), fleet::WorkerState::kDraining);
    EXPECT_EQ(t.self_.done, 2);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, AJobThatWasFinishedBeforeIsAnsweredFromItsOutcome) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create();
    const jobs::Job job = t.job();
    co_await t.expect_the_finished_answer(*worker, job);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, AJobThatWasSentAgainIsNotComputedAgain) {
  const auto script = [](WorkerTest& t) -> Task<> {
    Options options;
    options.service_min = Millis(600'000);  // longer than this test is let live
    auto worker = t.create(0, options);
    jobs::Job job = t.job();
    job.again = true;
    co_await t.expect_the_finished_answer(*worker, job);
  };
  run_task(context_, script(*this));
}

// Several gateways have response queues of their own, which go when they go.
TEST_F(WorkerTest, AnswersOfAGatewayThatHasLeftAreDropped) {
  const auto script = [](WorkerTest& t) -> Task<> {
    const std::string left = t.names_->response_queue + "-left", leaving = t.names_->response_queue + "-leaving";
    const queue::Attributes plain;
    auto made = co_await t.queues_->create(leaving, plain);
    EXPECT_TRUE(made);
    std::vector<std::string> ids;
    const std::vector<std::string> reply_queues{leaving, left, leaving, t.names_->response_queue};
    for (const auto& reply_to : reply_queues) {
      jobs::Job job = t.job();
      job.reply_to = reply_to;
      ids.push_back(job.id);
      Bytes bytes = "no photo";
      co_await t.put_photo(job.id, std::move(bytes));
      co_await t.send(jobs::encode(job));
    }
    auto worker = t.create();
    // The third job finds a queue gone that was there for the first.
    asio::co_spawn(t.context_, t.remove_once_answered(leaving), asio::detached);
    auto answers = co_await t.run_for(*worker, 1);
    EXPECT_EQ(answers.front().job_id, ids.back());
    for (const std::string& id : ids) {
      const bool stored = co_await t.has_object(t.names_->job_bucket, jobs::outcome_key(id));
      EXPECT_TRUE(stored);
    }
    co_await t.expect_empty_queues();
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, BytesThatAreNoPhotoAreAnsweredWithTheReason) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create();
    const jobs::Job text = t.job("text.jpg"), gone = t.job("gone.jpg");
    co_await t.put_photo(text.id, "this is no photo");
    co_await t.send(jobs::encode(text));
    co_await t.send(jobs::encode(gone));
    auto answers = co_await t.run_for(*worker, 2);
    for (const auto& answer : answers)
      EXPECT_EQ(answer.error_reason, answer.job_id == text.id ? "not_an_image" : "photo_missing");
    co_await t.expect_empty_queues();
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, APhotoInTheMessageNeedsNoneInTheStoreAndIsAnsweredOnce) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create();
    jobs::Job job = t.job("inline.jpg");
    job.views = true;
    job.photo = photo("people/Joe_Biden/biden.jpg");
    co_await t.send(jobs::encode(job));
    co_await t.send(jobs::encode(job));  // delivered twice, as SQS may
    auto answers = co_await t.run_for(*worker, 2);
    EXPECT_EQ(answers[0].faces.size(), 1u);
    EXPECT_EQ(answers[0].label, "unknown");
    EXPECT_EQ(jobs::encode(answers[0]), jobs::encode(answers[1])) << "the first outcome stands";
    const bool kept = co_await t.has_object(t.names_->job_bucket, jobs::photo_key(job.id));
    EXPECT_FALSE(kept);
    const bool seen = co_await t.has_object(t.names_->out_bucket, "inline");
    EXPECT_TRUE(seen);
    co_await t.expect_empty_queues();
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, AWorkerThatPollsFindsWhatCameWhileItSlept) {
  const auto script = [](WorkerTest& t) -> Task<> {
    Options options;
    options.idle_poll = Millis(20);
    auto worker = t.create(0, options);
    OneShot<int> ended(t.context_.get_executor());
    asio::co_spawn(t.context_, worker->run(), [&ended](std::exception_ptr, Result<void>) { ended.set(0); });
    while (t.self_.states.empty() || t.self_.states.back() != fleet::WorkerState::kIdle) co_await sleep_for(Millis(5));
    const jobs::Job job = t.job();
    co_await t.put_photo(job.id, photo("people/Joe_Biden/biden.jpg"));
    co_await t.send(jobs::encode(job));
    auto answer = co_await t.next_answer();
    EXPECT_EQ(answer.job_id, job.id);
    worker->drain();  // wakes it
    const auto status = co_await ended.wait_until(std::chrono::steady_clock::now() + std::chrono::minutes(1));
    EXPECT_EQ(status, 0);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, AWorkerThatLeavesGivesBackWhatItsLastAskBrings) {
  const auto script = [](WorkerTest& t) -> Task<> {
    Options options;
    options.drops_ask = false;
    auto worker = t.create(0, options);
    OneShot<int> ended(t.context_.get_executor());
    asio::co_spawn(t.context_, worker->run(), [&ended](std::exception_ptr, Result<void>) { ended.set(0); });
    while (t.self_.states.empty() || t.self_.states.back() != fleet::WorkerState::kIdle) co_await sleep_for(Millis(5));
    worker->drain();
    const jobs::Job job = t.job();
    co_await t.put_photo(job.id, photo("people/Joe_Biden/biden.jpg"));
    co_await t.send(jobs::encode(job));
    const auto status = co_await ended.wait_until(std::chrono::steady_clock::now() + std::chrono::minutes(1));
    EXPECT_EQ(status, 0);
    EXPECT_EQ(t.self_.done, 0);
    auto given_back = co_await t.take_request();
    EXPECT_TRUE(given_back.size() == 1 && given_back.front().receive_count == 2);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, ALessonsJobLastsAsLongAsItSays) {
  const auto script = [](WorkerTest& t) -> Task<> {
    Options options;
    options.service_min = Millis(300);
    auto worker = t.create(1, options);
    const jobs::Job one = t.job(), two = t.job();
    co_await t.put_photo(one.id, photo("people/Joe_Biden/biden.jpg"));
    co_await t.put_photo(two.id, photo("people/Joe_Biden/biden.jpg"));
    co_await t.send(jobs::encode(one));
    co_await t.send(jobs::encode(two));
    auto answers = co_await t.run_for(*worker, 2);
    EXPECT_GE(answers[1].finished_ms - answers[0].finished_ms, 290) << "one after the other";
    EXPECT_EQ(answers[0].stages.back().name, "lesson");
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, PoisonIsAnsweredAndKeptInTheDeadLetterQueue) {
  const auto script = [](WorkerTest& t) -> Task<> {
    const jobs::Job job = t.job();
    co_await t.put_photo(job.id, photo("people/Joe_Biden/biden.jpg"));
    co_await t.send(jobs::encode(job));
    co_await t.die_of_the_requests(kReceivesMax - 1);
    t.fail_under("outcomes/", 2);  // which is no reason to bury it twice
    auto worker = t.create();
    auto answers = co_await t.run_for(*worker, 1);
    EXPECT_EQ(answers.front().error_reason, "poison");
    co_await t.expect_empty_queues();
    const auto dead = co_await t.counts(t.names_->dead_queue);
    EXPECT_EQ(dead.visible, 1u);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, AnOutageOfTheStoreMakesNoPoison) {
  const auto script = [](WorkerTest& t) -> Task<> {
    Options options;
    options.reuse = true;
    auto worker = t.create(1, options);
    jobs::Job job = t.job("seen.jpg");
    job.views = true;
    co_await t.put_photo(job.id, photo("people/Joe_Biden/biden.jpg"));
    t.fail_under("", kReceivesMax + 2);
    co_await t.send(jobs::encode(job));
    auto answers = co_await t.run_for(*worker, 1);
    EXPECT_EQ(answers.front().error_reason, "");
    EXPECT_EQ(answers.front().label, "unknown");
    for (const std::string& step : t.steps_of(job)) EXPECT_GT(t.failures_[step], kReceivesMax) << step;
    co_await t.expect_empty_queues();
    const auto dead = co_await t.counts(t.names_->dead_queue);
    EXPECT_EQ(dead.visible, 0u);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, WhatFailsForGoodIsAnsweredAsWhatItIsAndNoPoison) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create();
    const jobs::Job job = t.job();
    co_await t.put_photo(job.id, photo("people/Joe_Biden/biden.jpg"));
    t.store_->before = [](std::string, std::string key) -> Task<Result<void>> {
      if (key.starts_with("photos/")) co_return Error{Code::kDenied, "this role may not read it", ""};
      co_return Result<void>();
    };
    co_await t.send(jobs::encode(job));
    auto answers = co_await t.run_for(*worker, 1);
    EXPECT_EQ(answers.front().error_reason, "not_recognised");
    co_await t.expect_empty_queues();
    const auto dead = co_await t.counts(t.names_->dead_queue);
    EXPECT_EQ(dead.visible, 0u);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, ALaterPhotosViewOutlastsAnEarlierOnesSecondDelivery) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create();
    jobs::Job earlier = t.job("same.x.jpg");
    earlier.views = earlier.again = true;
    jobs::Outcome finished;
    finished.job_id = earlier.id;
    finished.label = "the earlier";
    store::Put plain;
    auto put =
        co_await t.store_->put(t.names_->job_bucket, jobs::outcome_key(earlier.id), jobs::encode(finished), plain);
    EXPECT_TRUE(put);
    Bytes later = "the later";
    auto seen = co_await t.store_->put(t.names_->out_bucket, "same", std::move(later), plain);
    EXPECT_TRUE(seen);
    co_await t.send(jobs::encode(earlier));
    auto answers = co_await t.run_for(*worker, 1);
    EXPECT_EQ(answers.front().label, "the earlier");
    const auto view = co_await t.store_->get(t.names_->out_bucket, "same", std::nullopt);
    EXPECT_TRUE(view && view->body == "the later");
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, AWorkerThatLeavesInAnOutageGivesItsJobBack) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create();
    const jobs::Job job = t.job();
    t.store_->before = [&](std::string, std::string) -> Task<Result<void>> {
      worker->drain();
      co_return Error{Code::kUnavailable, "the store is away", ""};
    };
    co_await t.send(jobs::encode(job));
    const auto ran = co_await worker->run();
    EXPECT_TRUE(ran);
    auto given_back = co_await t.take_request();
    EXPECT_TRUE(given_back.size() == 1 && given_back.front().receive_count == 2);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, AFinishedJobWhoseMessageStayedIsNoPoison) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create();
    const jobs::Job job = t.job();
    co_await t.expect_the_finished_answer(*worker, job, kReceivesMax);
    const auto dead = co_await t.counts(t.names_->dead_queue);
    EXPECT_EQ(dead.visible, 0u);
  };
  run_task(context_, script(*this));
}

// Whatever ends this worker now, it is one message that has been received once more.
TEST_F(WorkerTest, AJobThatWasReceivedBeforeIsInWorkAlone) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create(1);
    const auto jobs = co_await t.send_jobs(2);  // one of which is poison, for all that a worker can know
    co_await t.die_of_the_requests(1);
    (void)co_await t.send_jobs(2);
    std::map<std::string, std::uint64_t> company;
    t.watch_company(company);
    auto answers = co_await t.run_for(*worker, 4);
    for (const auto& answer : answers) EXPECT_EQ(answer.error_reason, "");
    for (const auto& job : jobs) EXPECT_EQ(company.at(jobs::photo_key(job.id)), 1u);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, AJobThatWasReceivedBeforeWaitsForThoseInWork) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker = t.create(1);
    const auto back = (co_await t.send_jobs(1)).front();
    auto requests = co_await t.queues_->open(t.names_->request_queue);
    queue::Receive request;
    const auto held = co_await (*requests)->receive(std::move(request));  // by a worker that dies in a moment
    const auto fresh = (co_await t.send_jobs(1)).front();
    std::uint64_t company = 0;
    t.store_->before = [&](std::string operation, std::string key) -> Task<Result<void>> {
      if (operation == "get" && key == jobs::photo_key(fresh.id)) {
        auto released = co_await (*requests)->extend(held->front().receipt, Millis(0));
        EXPECT_TRUE(released);
        for (queue::Counts seen; seen.in_flight < 2;) {
          co_await sleep_for(Millis(1));
          seen = co_await t.counts(t.names_->request_queue);
        }
      }
      if (operation == "get" && key == jobs::photo_key(back.id)) {
        const auto seen = co_await t.counts(t.names_->request_queue);
        company = seen.in_flight;
      }
      co_return Result<void>();
    };
    (void)co_await t.run_for(*worker, 2);
    EXPECT_EQ(company, 1u);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, NothingIsLeasedBesideAJobWhereTheSecondDeliveryIsTheLast) {
  const auto script = [](WorkerTest& t) -> Task<> {
    t.receives_max_ = 2;
    auto worker = t.create(1);
    (void)co_await t.send_jobs(2);
    std::map<std::string, std::uint64_t> company;
    t.watch_company(company);
    (void)co_await t.run_for(*worker, 2);
    for (const auto& [key, jobs] : company) EXPECT_EQ(jobs, 1u) << key;
    EXPECT_EQ(company.size(), 2u);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, ACopyThatADeadWorkerDidNotComeToIsKeptAfterAll) {
  const auto script = [](WorkerTest& t) -> Task<> {
    Options options;
    options.reuse = true;
    auto worker = t.create(0, options);
    jobs::Job again = t.job("again.x.jpg"), met = t.job("met.x.jpg");
    again.views = met.views = again.again = true;
    std::vector<jobs::Job> sent;
    sent.push_back(again);
    sent.push_back(met);
    std::vector<std::string> reuse_keys;
    for (const auto& job : sent) {
      Bytes bytes = photo("people/Joe_Biden/biden.jpg") + job.name;
      reuse_keys.push_back(jobs::reuse_key(hex(sha256(bytes)), job.gallery));
      co_await t.put_photo(job.id, std::move(bytes));
      jobs::Outcome finished;
      finished.job_id = job.id;
      finished.label = "as it was";
      store::Put plain;
      auto put = co_await t.store_->put(t.names_->job_bucket, jobs::outcome_key(job.id), jobs::encode(finished), plain);
      EXPECT_TRUE(put);
      co_await t.send(jobs::encode(job));
    }
    auto answers = co_await t.run_for(*worker, 2);
    for (const auto& answer : answers) EXPECT_EQ(answer.label, "as it was");
    for (const auto& job : sent) {
      auto view = co_await t.store_->get(t.names_->out_bucket, std::string(jobs::stem(job.name)), std::nullopt);
      EXPECT_TRUE(view && view->body == "as it was") << job.name;
    }
    for (const auto& key : reuse_keys) {
      const bool kept = co_await t.has_object(t.names_->job_bucket, key);
      EXPECT_TRUE(kept) << key;
    }
    co_await t.expect_empty_queues();
  };
  run_task(context_, script(*this));
}

// A deletion looks for the outcomes that name the person, once: none may be stored after that.
TEST_F(WorkerTest, WhoIsDeletedWhileAJobIsInWorkIsNotNamed) {
  const auto script = [](WorkerTest& t) -> Task<> {
    co_await t.enrol_obama();
    Options options;
    options.reuse = true;
    options.gallery_max_age = Millis(2 * limits::kErasureGraceMs);  // so that the worker's version is as old
    auto worker = t.create(0, options);
    jobs::Job job = t.job();
    job.gallery_version = 0;
    co_await t.delete_obama();
    co_await t.expect_nobody_is_named(*worker, job);
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, WhoIsDeletedWhileAnOutcomeIsStoredIsNotNamed) {
  const auto script = [](WorkerTest& t) -> Task<> {
    co_await t.enrol_obama();
    Options options;
    options.reuse = true;
    auto worker = t.create(0, options);
    bool deleted = false;
    t.store_->after = [&](std::string operation, std::string key) -> Task<Result<void>> {
      if (operation != "put" || !key.starts_with("reuse/") || std::exchange(deleted, true)) co_return Result<void>();
      co_await t.delete_obama();
      t.clock_.shift += Millis(2 * limits::kErasureGraceMs);
      co_return Result<void>();
    };
    co_await t.expect_nobody_is_named(*worker, t.job());
    EXPECT_TRUE(deleted);
  };
  run_task(context_, script(*this));
}

// A worker that stored it late and ended before it could look whether that was too late.
TEST_F(WorkerTest, AnOutcomeThatNamesWhoIsDeletedDoesNotStand) {
  const auto script = [](WorkerTest& t) -> Task<> {
    for (const bool again : t.both()) {
      Options options;
      options.reuse = true;
      auto worker = t.create(0, options);
      jobs::Job job = t.job();
      job.again = again;
      jobs::Outcome finished;
      finished.job_id = job.id;
      finished.label = "Barack Obama";
      finished.faces.resize(1);
      finished.faces[0].matches.push_back({finished.label, 1, true});
      store::Put plain;
      auto put =
          co_await t.memory_->put(t.names_->job_bucket, jobs::outcome_key(job.id), jobs::encode(finished), plain);
      EXPECT_TRUE(put);
      co_await t.expect_nobody_is_named(*worker, job);
    }
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, ClassifiesWhereThatIsItsKindOfJob) {
  const auto script = [](WorkerTest& t) -> Task<> {
    auto worker =
        Worker::create({.names = *t.names_}, {*t.queues_, *t.store_, *t.galleries_,
                                              vision::ClassifierOptions{spec("mobilenet_v2"), t.cache_ / "models"},
                                              t.self_, t.clock_, Log::silent()});
    jobs::Job ask = t.job("portrait.jpg"), other = t.job("face.jpg");
    ask.kind = jobs::Kind::kClassify;
    ask.matches_max = 3;
    ask.views = true;
    co_await t.put_photo(ask.id, photo("people/Barack_Obama/obama_portrait.jpg"));
    co_await t.put_photo(other.id, photo("people/Joe_Biden/biden.jpg"));
    co_await t.send(jobs::encode(ask));
    co_await t.send(jobs::encode(other));
    auto answers = co_await t.run_for(*worker, 2);
    for (const auto& answer : answers) {
      if (answer.job_id == other.id) {
        EXPECT_EQ(answer.error_reason, "kind_not_served");
        continue;
      }
      EXPECT_EQ(answer.label, "suit");
      EXPECT_EQ(answer.classes.size(), 3u);
      EXPECT_EQ(answer.model, "mobilenet_v2@9ce462aa");
    }
    auto view = co_await t.store_->get(t.names_->out_bucket, "portrait", std::nullopt);
    EXPECT_TRUE(view && view->body == "suit");
    const bool stored = co_await t.has_object(t.names_->job_bucket, jobs::outcome_key(ask.id));
    EXPECT_TRUE(stored);
    co_await t.expect_empty_queues();
  };
  run_task(context_, script(*this));
}

TEST_F(WorkerTest, ModelsThatCannotBeOpenedEndTheWorkerWithTheReason) {
  const auto script = [](WorkerTest& t) -> Task<> {
    vision::PipelineOptions pipeline;
    pipeline.detector = spec("yunet");
    pipeline.embedder = spec("sface");
    pipeline.embedder.file = t.cache_ / "missing.onnx";
    auto worker = Worker::create({.names = *t.names_}, {*t.queues_, *t.store_, *t.galleries_, std::move(pipeline),
                                                        t.self_, t.clock_, Log::silent()});
    auto ended = co_await worker->run();
    EXPECT_FALSE(ended);
  };
  run_task(context_, script(*this));
}

}  // namespace
}  // namespace facefleet::worker
