#include "autoscaler/policies/backlog_per_worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/ids.h"

namespace facefleet::autoscaler {
namespace {

constexpr Millis kHold{5'000};

struct Row {
  const char* what;
  std::uint64_t visible, in_flight;
  std::uint32_t pending, running;
  std::vector<Millis> idle_for;
  std::uint32_t cap;
  double jobs_per_worker;
  std::uint32_t target;
};

const Row kRows[] = {
    {"nothing to do, nobody there", 0, 0, 0, 0, {}, 15, 1, 0},
    {"the first job starts the first worker", 1, 0, 0, 0, {}, 15, 1, 1},
    {"a burst goes to the cap at once", 1'000, 0, 0, 0, {}, 15, 1, 15},
    {"workers that are starting count", 3, 0, 3, 0, {}, 15, 1, 3},
    {"jobs in flight count", 0, 4, 0, 4, {}, 15, 1, 4},
    {"several jobs a worker", 7, 0, 0, 0, {}, 15, 3, 3},
    {"a fraction of a job a worker", 2, 0, 0, 0, {}, 15, 0.5, 4},
    {"busy workers stay", 0, 0, 0, 5, {}, 15, 1, 5},
    {"workers that start stay", 0, 0, 2, 0, {}, 15, 1, 2},
    {"idle, but not for long enough", 0, 0, 0, 2, {Millis{4'999}, Millis{10}}, 15, 1, 2},
    {"only those leave that rested", 0, 0, 0, 3, {Millis{9'000}, Millis{5'000}, Millis{10}}, 15, 1, 1},
    {"all leave", 0, 0, 0, 2, {Millis{6'000}, Millis{5'000}}, 15, 1, 0},
    {"none leaves that is needed", 1, 1, 0, 2, {Millis{9'000}, Millis{9'000}}, 15, 1, 2},
    {"some leave, as many as are not needed", 1, 0, 0, 3, {Millis{9'000}, Millis{9'000}, Millis{9'000}}, 15, 1, 1},
    {"a cap of none", 5, 0, 0, 0, {}, 0, 1, 0},
    {"a cap that was lowered", 9, 0, 0, 4, {}, 2, 1, 2},
};

TEST(BacklogPerWorkerTest, DecidesAsTheTableSays) {
  for (const Row& row : kRows) {
    const auto policy = make_backlog_per_worker({row.jobs_per_worker, kHold});
    Observation seen;
    seen.visible = row.visible;
    seen.in_flight = row.in_flight;
    seen.pending = row.pending;
    seen.running = row.running;
    seen.idle_for = row.idle_for;
    seen.cap = row.cap;
    const Decision decision = policy->decide(seen);
    EXPECT_EQ(decision.target, row.target) << row.what;
    EXPECT_FALSE(decision.reason.empty()) << row.what;
  }
}

// A fleet that obeys at once, with a queue of jobs that take a fixed number of ticks: enough to state what must hold
// whatever the load.
struct Model {
  struct Worker {
    int starts_in = 0;
    int busy_for = 0;
    Millis idle{0};
  };
  std::uint64_t waiting = 0;
  std::vector<Worker> workers;
  std::uint32_t cap = 15;

  Observation observe() const {
    Observation seen;
    seen.cap = cap;
    seen.visible = waiting;
    for (const Worker& worker : workers) {
      if (worker.starts_in > 0) {
        ++seen.pending;
        continue;
      }
      ++seen.running;
      if (worker.busy_for > 0) {
        ++seen.in_flight;
      } else {
        seen.idle_for.push_back(worker.idle);
      }
    }
    std::ranges::sort(seen.idle_for, std::greater<>());
    return seen;
  }

  void obey(std::uint32_t target, int start_ticks) {
    while (workers.size() < target) workers.push_back({start_ticks, 0, Millis{0}});
    while (workers.size() > target) {
      const auto longest = std::ranges::max_element(workers, {}, [](const Worker& worker) {
        return worker.starts_in > 0 || worker.busy_for > 0 ? Millis{-1} : worker.idle;
      });
      ASSERT_GE(longest->idle, kHold) << "a worker left that had not rested";
      ASSERT_TRUE(longest->busy_for == 0 && longest->starts_in == 0) << "a busy worker left";
      workers.erase(longest);
    }
  }

  void pass(Millis tick, int job_ticks) {
    for (Worker& worker : workers) {
      if (worker.starts_in > 0) {
        --worker.starts_in;
        continue;
      }
      if (worker.busy_for > 0 && --worker.busy_for == 0) worker.idle = Millis{0};
      if (worker.busy_for > 0) continue;
      if (waiting > 0) {
        --waiting;
        worker.busy_for = job_ticks;
      } else {
        worker.idle += tick;
      }
    }
  }
};

TEST(BacklogPerWorkerTest, HoldsItsPromisesUnderAnyLoad) {
  constexpr Millis kTick{100};
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const auto policy = make_backlog_per_worker({1.0 + static_cast<double>(random.next() % 3), kHold});
    Model model;
    model.cap = static_cast<std::uint32_t>(1 + random.next() % 20);
    for (int tick = 0; tick < 400; ++tick) {
      if (random.next() % 20 == 0) model.waiting += random.next() % 50;
      Observation seen = model.observe();
      seen.valid = random.next() % 10 != 0;
      const std::uint32_t before = seen.pending + seen.running;
      const Decision decision = policy->decide(seen);
      ASSERT_LE(decision.target, model.cap);
      if (!seen.valid) {
        ASSERT_EQ(decision.target, before) << "it did not hold";
        model.pass(kTick, 3);
        continue;
      }
      model.obey(decision.target, static_cast<int>(random.next() % 5));
      if (testing::Test::HasFatalFailure()) return;
      model.pass(kTick, 3);
    }
    // The load ends: once the last job is done, hold + one tick empties the fleet.
    Millis quiet{0};
    for (int tick = 0; tick < 10'000 && !model.workers.empty(); ++tick) {
      const Observation seen = model.observe();
      quiet = seen.visible + seen.in_flight + seen.pending > 0 ? Millis{0} : quiet + kTick;
      model.obey(policy->decide(seen).target, 0);
      model.pass(kTick, 3);
    }
    EXPECT_TRUE(model.workers.empty());
    EXPECT_LE(quiet, kHold + kTick);
  }
}

TEST(BacklogPerWorkerTest, DoesNotMoveUnderSteadyLoad) {
  const auto policy = make_backlog_per_worker({1, kHold});
  Observation seen;
  seen.cap = 15;
  seen.running = 4;
  for (int tick = 0; tick < 1'000; ++tick) {
    seen.visible = static_cast<std::uint64_t>(tick % 2);
    seen.in_flight = 4 - seen.visible;
    seen.idle_for.assign(seen.visible, Millis{50});
    EXPECT_EQ(policy->decide(seen).target, 4u);
  }
}

TEST(PolicyTest, AnUnknownNameIsRefusedWithTheKnownOnes) {
  const auto policy = make_policy("magic", {});
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, Code::kInvalidInput);
  EXPECT_NE(policy.error().message.find("backlog-per-worker"), std::string::npos);
  EXPECT_FALSE(make_policy(kBacklogPerWorker, {0, kHold}));
}

TEST(PolicyTest, EveryNameMakesItsPolicy) {
  for (const std::string_view name : policy_names()) EXPECT_EQ(make_policy(name, {}).value()->name(), name);
}

}  // namespace
}  // namespace facefleet::autoscaler
