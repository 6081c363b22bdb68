#include "autoscaler/autoscaler.h"

#include <gmock/gmock.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "autoscaler/policies/backlog_per_worker.h"
#include "base/testing.h"
#include "queue/backends/memory_queue.h"

namespace facefleet::autoscaler {
namespace {

using fleet::Instance;
using fleet::InstanceState;
using fleet::WorkerState;
using testing::ElementsAre;
using testing::IsEmpty;

// A fleet that does what it is told and can be told to lag, refuse or be away, as EC2 is at times.
class PliantFleet final : public fleet::Fleet {
 public:
  explicit PliantFleet(const Clock& clock) : clock_(clock) {}

  Task<Result<std::vector<Instance>>> list() override {
    if (away) co_return Error{Code::kUnavailable, "the fleet is away", ""};
    co_return lags ? std::vector<Instance>{} : instances;
  }
  Task<Result<std::vector<Instance>>> launch(fleet::Launch launch) override {
    ++launches;
    if (refuses) co_return Error{Code::kBusy, "the fleet is full", "capacity"};
    std::vector<Instance> launched;
    for (std::uint32_t left = launch.count; left > 0; --left)
      launched.push_back(add(InstanceState::kPending, WorkerState::kUnknown, Millis{0}));
    co_return launched;
  }
  Task<Result<void>> start(std::vector<std::string> ids) override {
    if (refuses) co_return Error{Code::kBusy, "the fleet is full", "capacity"};
    for (std::string& id : ids) started.push_back(std::move(id));
    co_return Result<void>();
  }
  Task<Result<void>> stop(std::vector<std::string> ids) override {
    for (std::string& id : ids) stopped.push_back(std::move(id));
    co_return Result<void>();
  }
  Task<Result<void>> terminate(std::vector<std::string> ids) override {
    for (std::string& id : ids) terminated.push_back(std::move(id));
    co_return Result<void>();
  }
  Task<Result<void>> create_tags(std::vector<std::string>, fleet::Tags) override { co_return Result<void>(); }
  Task<Result<void>> delete_tags(std::vector<std::string>, std::map<std::string, std::optional<std::string>>) override {
    co_return Result<void>();
  }
  std::uint32_t cap() const override { return 5; }

  Instance& add(InstanceState state, WorkerState worker, Millis idle) {
    Instance& instance = instances.emplace_back();
    instance.id = "i-" + std::to_string(instances.size());
    instance.state = state;
    instance.worker = worker;
    instance.worker_since_ms = clock_.wall_ms() - idle.count();
    instance.launched_ms = clock_.wall_ms();
    return instance;
  }

  std::vector<Instance> instances;
  std::vector<std::string> started, stopped, terminated;
  int launches = 0;
  bool lags = false, refuses = false, away = false;

 private:
  const Clock& clock_;
};

class AutoscalerTest : public testing::Test {
 protected:
  AutoscalerTest() {
    options_.request_queue = "req";
    options_.tick = Millis{1};
  }
  ~AutoscalerTest() override {
    stop_.emit(asio::cancellation_type::terminal);
    context_.restart();
    context_.run();
  }

  void create_queue() { queue_ = run_task(context_, queues_->create("req", {})).value(); }
  void send(int count) {
    for (; count > 0; --count) {
      queue::Outgoing message{"job", Millis{0}};
      ASSERT_TRUE(run_task(context_, queue_->send(std::move(message))));
    }
  }
  void start() {
    asio::co_spawn(context_,
                   run(options_, *queues_, fleet_, *policy_, clock_, Log::silent(),
                       [this](const Observation& seen, const Decision& decision) {
                         seen_ = seen;
                         decision_ = decision;
                         ++ticks_;
                       }),
                   asio::bind_cancellation_slot(stop_.slot(), [](std::exception_ptr) {}));
  }
  // Runs until so many further decisions have been made and acted upon.
  void tick(int count = 1) {
    context_.restart();
    for (const int until = ticks_ + count + 1; ticks_ < until && context_.run_one() > 0;) {
    }
  }

  ManualClock clock_;
  SeededRandom random_{1};
  asio::io_context context_;
  std::unique_ptr<queue::Queues> queues_ =
      queue::open_memory_queues(context_.get_executor(), clock_, random_, Log::silent());
  std::shared_ptr<queue::Queue> queue_;
  PliantFleet fleet_{clock_};
  std::unique_ptr<Policy> policy_ = make_backlog_per_worker({1, Millis{5'000}});
  Options options_;
  asio::cancellation_signal stop_;
  Observation seen_;
  Decision decision_;
  int ticks_ = 0;
};

TEST_F(AutoscalerTest, LaunchesWhatTheQueueNeedsUpToTheCap) {
  create_queue();
  send(9);
  start();
  tick();
  EXPECT_EQ(fleet_.instances.size(), 5u);
  EXPECT_EQ(fleet_.launches, 1);
  tick(5);
  EXPECT_EQ(fleet_.launches, 1);
}

TEST_F(AutoscalerTest, DoesNotLaunchTwiceWhileTheListLagsBehind) {
  create_queue();
  send(2);
  fleet_.lags = true;
  start();
  tick(10);
  EXPECT_EQ(fleet_.launches, 1);
  EXPECT_EQ(seen_.pending, 2u);
  clock_.advance(Millis{11'000});  // what never appeared was never there
  tick();
  EXPECT_EQ(fleet_.launches, 2);
}

TEST_F(AutoscalerTest, DismissesTheLongestIdleOnceItMayShrink) {
  create_queue();
  send(1);
  fleet_.add(InstanceState::kRunning, WorkerState::kIdle, Millis{6'000});
  fleet_.add(InstanceState::kRunning, WorkerState::kIdle, Millis{9'000});
  fleet_.add(InstanceState::kRunning, WorkerState::kBusy, Millis{9'000});
  fleet_.add(InstanceState::kRunning, WorkerState::kIdle, Millis{8'000});
  start();
  tick(3);
  EXPECT_THAT(fleet_.terminated, IsEmpty()) << "it had only just started";
  clock_.advance(Millis{5'000});
  tick();
  EXPECT_THAT(fleet_.terminated, ElementsAre("i-2", "i-4", "i-1"));
  tick(5);
  EXPECT_EQ(fleet_.terminated.size(), 3u) << "nobody is dismissed twice";
  EXPECT_EQ(seen_.leaving, 3u);
  EXPECT_EQ(seen_.running, 1u);
}

TEST_F(AutoscalerTest, HoldsWhileTheQueueCannotBeRead) {
  fleet_.add(InstanceState::kRunning, WorkerState::kIdle, Millis{60'000});
  options_.restart_hold = Millis{0};
  start();
  tick(5);
  EXPECT_FALSE(seen_.valid);
  EXPECT_THAT(fleet_.terminated, IsEmpty());
  create_queue();
  tick();
  EXPECT_TRUE(seen_.valid);
  EXPECT_THAT(fleet_.terminated, ElementsAre("i-1"));
}

TEST_F(AutoscalerTest, HoldsWhileTheFleetCannotBeRead) {
  create_queue();
  send(3);
  fleet_.away = true;
  start();
  tick(5);
  EXPECT_EQ(fleet_.launches, 0);
  fleet_.away = false;
  tick();
  EXPECT_EQ(fleet_.launches, 1);
}

TEST_F(AutoscalerTest, ARefusedLaunchIsTriedAgainLessAndLessOften) {
  create_queue();
  send(1);
  fleet_.refuses = true;
  start();
  tick(20);
  EXPECT_EQ(fleet_.launches, 1);
  for (int round = 0; round < 100; ++round) {
    clock_.advance(Millis{200});
    tick();
  }
  EXPECT_GT(fleet_.launches, 4);
  EXPECT_LT(fleet_.launches, 12);
}

TEST_F(AutoscalerTest, StartsThePoolFromItsLowestNumberAndLaunchesNothing) {
  create_queue();
  send(2);
  options_.pool = true;
  for (const char* name : {"app-10", "app-2", "app-1"}) {
    fleet_.add(InstanceState::kStopped, WorkerState::kUnknown, Millis{0}).name = name;
  }
  start();
  tick();
  EXPECT_THAT(fleet_.started, ElementsAre("i-3", "i-2"));
  tick(5);
  EXPECT_EQ(fleet_.started.size(), 2u) << "those told to start are on their way";
  EXPECT_EQ(seen_.pending, 2u);
  send(8);
  tick(5);
  EXPECT_THAT(fleet_.started, ElementsAre("i-3", "i-2", "i-1"));
  EXPECT_EQ(fleet_.launches, 0) << "a pool that is used up is all there is";
}

TEST_F(AutoscalerTest, StopsTheIdleOfThePool) {
  create_queue();
  options_.pool = true;
  options_.restart_hold = Millis{0};
  fleet_.add(InstanceState::kRunning, WorkerState::kIdle, Millis{60'000});
  start();
  tick();
  EXPECT_THAT(fleet_.stopped, ElementsAre("i-1"));
  EXPECT_THAT(fleet_.terminated, IsEmpty());
}

TEST_F(AutoscalerTest, ThePoolIsNotStartedBeyondTheRoomThatLeavingOnesLeave) {
  create_queue();
  send(5);
  options_.pool = true;
  for (int i = 0; i < 3; ++i) fleet_.add(InstanceState::kStopping, WorkerState::kDraining, Millis{0});
  for (int i = 0; i < 5; ++i) fleet_.add(InstanceState::kStopped, WorkerState::kUnknown, Millis{0});
  start();
  tick();
  EXPECT_THAT(fleet_.started, ElementsAre("i-4", "i-5"));
}

TEST_F(AutoscalerTest, ARefusedStartIsTriedAgainLessAndLessOftenAndSaysWhy) {
  create_queue();
  send(1);
  options_.pool = true;
  fleet_.add(InstanceState::kStopped, WorkerState::kUnknown, Millis{0});
  fleet_.refuses = true;
  start();
  tick(5);
  EXPECT_EQ(seen_.trouble, "cannot start 1: the fleet is full");
  fleet_.refuses = false;
  tick(5);
  EXPECT_THAT(fleet_.started, IsEmpty());
  clock_.advance(Millis{200});
  tick();
  EXPECT_THAT(fleet_.started, ElementsAre("i-1"));
}

TEST_F(AutoscalerTest, WorkersThatEndBeforeTheyAreReadyAreLaunchedLessAndLessOften) {
  create_queue();
  send(1);
  start();
  for (int round = 0; round < 100; ++round) {
    tick();
    for (Instance& instance : fleet_.instances) {
      instance.state = InstanceState::kTerminated;
      instance.state_reason = "exited with status 2";
    }
    clock_.advance(Millis{100});
  }
  tick();
  EXPECT_GT(fleet_.launches, 4);
  EXPECT_LT(fleet_.launches, 12);
  EXPECT_THAT(seen_.trouble, testing::HasSubstr("ended before it took a job: exited with status 2"));
  Instance& good = fleet_.add(InstanceState::kRunning, WorkerState::kBusy, Millis{0});
  good.id = "i-good";
  tick(2);
  EXPECT_EQ(seen_.trouble, "") << "as many run as are wanted";
}

TEST_F(AutoscalerTest, LaunchesItsFloorOfWorkersThoughThereIsNoWork) {
  create_queue();
  options_.running_floor = 2;
  start();
  tick();
  EXPECT_EQ(fleet_.instances.size(), 2u);
  tick(3);
  EXPECT_EQ(fleet_.launches, 1);
}

TEST_F(AutoscalerTest, DismissesTheIdleDownToItsFloor) {
  create_queue();
  options_.running_floor = 2;
  options_.restart_hold = Millis{0};
  for (int i = 0; i < 5; ++i) fleet_.add(InstanceState::kRunning, WorkerState::kIdle, Millis{60'000});
  start();
  tick(3);
  EXPECT_EQ(fleet_.terminated.size(), 3u);
  EXPECT_THAT(decision_.reason, testing::HasSubstr("2 are always kept"));
}

TEST_F(AutoscalerTest, AWorkerThatDrainsIsLeaving) {
  create_queue();
  fleet_.add(InstanceState::kRunning, WorkerState::kDraining, Millis{0});
  fleet_.add(InstanceState::kShuttingDown, WorkerState::kBusy, Millis{0});
  fleet_.add(InstanceState::kTerminated, WorkerState::kUnknown, Millis{0});
  fleet_.add(InstanceState::kRunning, WorkerState::kStarting, Millis{0});
  start();
  tick();
  EXPECT_EQ(seen_.leaving, 2u);
  EXPECT_EQ(seen_.running, 1u);
  EXPECT_THAT(seen_.idle_for, IsEmpty());
}

TEST_F(AutoscalerTest, AnInstanceThatAnotherCallerLaunchedIsLeftAloneForAWhile) {
  create_queue();
  start();
  tick();
  clock_.advance(Millis{6'000});
  fleet_.add(InstanceState::kRunning, WorkerState::kIdle, Millis{6'000});
  tick(3);
  EXPECT_EQ(seen_.running, 1u);
  EXPECT_THAT(seen_.idle_for, IsEmpty());
  clock_.advance(Millis{29'000});
  tick(3);
  EXPECT_THAT(fleet_.terminated, IsEmpty());
  clock_.advance(Millis{1'001});
  tick();
  EXPECT_THAT(fleet_.terminated, ElementsAre("i-1"));
}

TEST_F(AutoscalerTest, AnInstanceThatAnotherCallerStartedIsLeftAloneToo) {
  create_queue();
  fleet_.add(InstanceState::kStopped, WorkerState::kUnknown, Millis{0});
  start();
  tick();
  EXPECT_EQ(seen_.stopped, 1u);
  clock_.advance(Millis{60'000});
  fleet_.instances[0].state = InstanceState::kRunning;
  fleet_.instances[0].worker = WorkerState::kIdle;
  tick(3);
  EXPECT_EQ(seen_.running, 1u);
  EXPECT_THAT(fleet_.terminated, IsEmpty());
  clock_.advance(Millis{31'000});
  tick();
  EXPECT_THAT(fleet_.terminated, ElementsAre("i-1"));
}

TEST_F(AutoscalerTest, ItsOwnLaunchesAreNotForeign) {
  create_queue();
  send(1);
  start();
  tick();
  ASSERT_EQ(fleet_.instances.size(), 1u);
  auto leased = run_task(context_, queue_->receive({.max = 1, .wait = Millis{0}}));
  ASSERT_TRUE(leased);
  auto receipt = leased->at(0).receipt;
  ASSERT_TRUE(run_task(context_, queue_->remove(std::move(receipt))));
  fleet_.instances[0].state = InstanceState::kRunning;
  fleet_.instances[0].worker = WorkerState::kIdle;
  fleet_.instances[0].jobs_done = 1;
  fleet_.instances[0].worker_since_ms = clock_.wall_ms() + 250;
  tick();
  EXPECT_EQ(seen_.completed, 1u);
  EXPECT_EQ(seen_.start, Millis{250});
  clock_.advance(Millis{5'250});
  tick();
  EXPECT_THAT(fleet_.terminated, ElementsAre("i-1"));
}

TEST_F(AutoscalerTest, SeesEachWorkerOnce) {
  create_queue();
  fleet_.add(InstanceState::kPending, WorkerState::kUnknown, Millis{0}).launched_ms = clock_.wall_ms() - 700;
  fleet_.add(InstanceState::kRunning, WorkerState::kStarting, Millis{0}).launched_ms = clock_.wall_ms() - 1'500;
  fleet_.add(InstanceState::kRunning, WorkerState::kBusy, Millis{9'000});
  fleet_.add(InstanceState::kRunning, WorkerState::kIdle, Millis{40});
  fleet_.add(InstanceState::kStopping, WorkerState::kBusy, Millis{0});
  fleet_.add(InstanceState::kStopped, WorkerState::kUnknown, Millis{0});
  fleet_.add(InstanceState::kTerminated, WorkerState::kUnknown, Millis{0});
  options_.shadow = true;
  start();
  tick();
  EXPECT_EQ(seen_.pending, 1u);
  EXPECT_EQ(seen_.running, 3u);
  EXPECT_EQ(seen_.busy, 1u);
  EXPECT_EQ(seen_.leaving, 1u);
  EXPECT_EQ(seen_.stopped, 1u);
  EXPECT_THAT(seen_.coming_for, ElementsAre(Millis{1'500}, Millis{700}));
  EXPECT_THAT(seen_.idle_for, ElementsAre(Millis{40}));
}

TEST_F(AutoscalerTest, CountsAnswersWhereThePolicyReadsThem) {
  create_queue();
  options_.response_queue = "resp";
  start();
  tick();
  EXPECT_FALSE(seen_.valid) << "there is no such queue yet";
  auto responses = run_task(context_, queues_->create("resp", {})).value();
  queue::Outgoing message{"answer", Millis{0}};
  ASSERT_TRUE(run_task(context_, responses->send(std::move(message))));
  tick();
  EXPECT_TRUE(seen_.valid);
  EXPECT_EQ(seen_.responses, 1u);
}

TEST_F(AutoscalerTest, CountsTheAnswersOfSeveralGateways) {
  create_queue();
  for (const char* name : {"resp", "resp-1", "other"}) {
    auto queue = run_task(context_, queues_->create(name, {})).value();
    queue::Outgoing message{"answer", Millis{0}};
    ASSERT_TRUE(run_task(context_, queue->send(std::move(message))));
  }
  options_.response_queue = "resp";
  options_.response_queues = true;
  start();
  tick();
  EXPECT_EQ(seen_.responses, 2u);
  ASSERT_TRUE(run_task(context_, queues_->remove("resp-1")));
  tick();
  EXPECT_TRUE(seen_.valid) << "a gateway may leave";
  EXPECT_EQ(seen_.responses, 1u);
}

TEST_F(AutoscalerTest, TellsTheReason) {
  create_queue();
  send(3);
  start();
  tick();
  EXPECT_EQ(decision_.reason, "3 jobs");
}

TEST_F(AutoscalerTest, InShadowItDecidesAndDoesNothing) {
  create_queue();
  send(3);
  options_.shadow = true;
  start();
  tick(3);
  EXPECT_EQ(decision_.target, 3u);
  EXPECT_EQ(fleet_.launches, 0);
}

}  // namespace
}  // namespace facefleet::autoscaler
