// Every policy in one suite: the earlier systems' own examples, and the properties that each rule has.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "autoscaler/policy.h"
#include "base/ids.h"

namespace facefleet::autoscaler {
namespace {

constexpr Millis kTick{100};
constexpr int kServiceTicks = 3, kStartTicks = 5;

struct Example {
  const char* policy;
  const char* what;
  std::uint64_t visible, in_flight;
  std::uint32_t pending, running;
  std::uint32_t cap;
  std::uint32_t target;
};

const Example kExamples[] = {
    {"difference", "14 messages and 6 running: 8 more", 14, 0, 0, 6, 19, 14},
    {"difference", "48 and 17 with a cap of 19: 2 more", 48, 0, 0, 17, 19, 19},
    {"difference", "4 and 16: 12 fewer", 4, 0, 0, 16, 19, 4},
    {"difference", "work in flight counts", 2, 4, 0, 6, 19, 6},
    {"difference", "what is pending is not started once more", 14, 0, 8, 6, 19, 14},
    {"difference", "and not stopped", 0, 0, 8, 0, 19, 8},
    {"spawn-self-terminate", "needed less running", 10, 0, 0, 4, 19, 10},
    {"spawn-self-terminate", "at most the cap", 100, 0, 0, 4, 19, 19},
    {"spawn-self-terminate", "ends none", 0, 0, 0, 4, 19, 4},
    {"queue-length-15", "one a waiting message", 7, 0, 0, 0, 15, 7},
    {"queue-length-15", "15 for 100", 100, 0, 0, 0, 15, 15},
    {"min-depth-20", "min(depth, 20)", 100, 0, 0, 0, 20, 20},
    {"min-depth-20", "out and in", 3, 0, 0, 9, 20, 3},
    {"none", "whatever there is", 100, 0, 1, 3, 20, 4},
};

Observation look(const Example& row) {
  Observation seen;
  seen.now = MonoTime{std::chrono::hours(1)};
  seen.visible = row.visible;
  seen.in_flight = row.in_flight;
  seen.pending = row.pending;
  seen.running = row.running;
  seen.coming_for.assign(row.pending, Millis{1'000});
  seen.cap = row.cap;
  return seen;
}

TEST(PoliciesTest, DecideAsTheEarlierSystemsDid) {
  for (const Example& row : kExamples) {
    const auto policy = make_policy(row.policy, {}).value();
    const Decision decision = policy->decide(look(row));
    EXPECT_EQ(decision.target, row.target) << row.policy << ": " << row.what;
    EXPECT_FALSE(decision.reason.empty()) << row.policy << ": " << row.what;
  }
}

TEST(PoliciesTest, DifferenceStartsAnotherForOneThatIsPendingTooLong) {
  Observation seen = look({"", "", 3, 0, 3, 0, 19, 0});
  seen.coming_for = {Millis{30'000}, Millis{10'000}, Millis{10'000}};
  EXPECT_EQ(make_policy("difference", {}).value()->decide(seen).target, 4u);
}

TEST(PoliciesTest, StableThenMinWaitsForThreeEqualLooksAndForTenEmptyOnes) {
  const auto policy = make_policy("stable-then-min", {}).value();
  Observation seen = look({"", "", 30, 0, 0, 0, 20, 0});
  const auto after = [&](std::uint64_t visible) {
    seen.visible = visible;
    seen.now += kTick;
    return policy->decide(seen).target;
  };
  EXPECT_EQ(after(10), 0u);
  EXPECT_EQ(after(30), 0u);
  EXPECT_EQ(after(30), 0u);
  EXPECT_EQ(after(30), 20u);
  seen.running = 20;
  seen.responses = 1;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(after(0), 20u) << "an answer waits";
  seen.responses = 0;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(after(0), 20u);
  EXPECT_EQ(after(0), 0u);
}

// What each rule promises. All: never above the cap, and as they were while nothing can be seen.
struct Promises {
  const char* policy;
  bool keeps_what_is_needed;         // no scale-in while there are more jobs than workers
  bool steady;                       // under steady load, at most one change of direction in 5 s
  std::optional<Millis> zero_after;  // once all is done
};

const Promises kPromises[] = {
    {"default", true, true, Millis{5'000}},
    {"backlog-per-worker", true, true, Millis{5'000}},
    {"stable-then-min", true, true, Millis{1'000}},
    {"difference", true, false, Millis{0}},
    {"spawn-self-terminate", true, true, std::nullopt},
    {"queue-length-15", false, true, Millis{5'000}},
    {"min-depth-20", false, false, Millis{0}},
    {"keda-sqs", false, true, Millis{330'000}},
    {"knative-kpa", false, true, Millis{100'000}},
    {"aws-target-tracking", false, true, std::nullopt},
    {"none", true, true, std::nullopt},
};

// A fleet that obeys as the loop does: only idle workers leave, the longest idle first.
struct Model {
  struct Worker {
    int starts_in = 0, busy_for = 0;
    Millis idle{0}, age{0};
  };
  MonoTime now{std::chrono::hours(1)};
  std::uint64_t waiting = 0, arrived = 0, completed = 0;
  std::vector<Worker> workers;
  std::uint32_t cap = 15;

  void send(std::uint64_t count) {
    waiting += count;
    arrived += count;
  }

  Observation observe() const {
    Observation seen;
    seen.now = now;
    seen.cap = cap;
    seen.visible = waiting;
    seen.arrived = arrived;
    seen.completed = completed;
    seen.service = completed > 0 ? kTick * kServiceTicks : Millis{0};
    seen.start = arrived > waiting ? kTick * kStartTicks : Millis{0};
    for (const Worker& worker : workers) {
      if (worker.starts_in > 0) {
        ++seen.pending;
        seen.coming_for.push_back(worker.age);
        continue;
      }
      ++seen.running;
      if (worker.busy_for > 0) {
        ++seen.busy;
      } else {
        seen.idle_for.push_back(worker.idle);
      }
    }
    seen.in_flight = seen.busy;
    std::ranges::sort(seen.coming_for, std::greater<>());
    std::ranges::sort(seen.idle_for, std::greater<>());
    return seen;
  }

  void obey(std::uint32_t target) {
    while (workers.size() < target) workers.push_back({kStartTicks, 0, Millis{0}, Millis{0}});
    while (workers.size() > target) {
      const auto longest = std::ranges::max_element(workers, {}, [](const Worker& worker) {
        return worker.starts_in > 0 || worker.busy_for > 0 ? Millis{-1} : worker.idle;
      });
      if (longest->starts_in > 0 || longest->busy_for > 0) return;
      workers.erase(longest);
    }
  }

  void pass() {
    now += kTick;
    for (Worker& worker : workers) {
      worker.age += kTick;
      if (worker.starts_in > 0 && --worker.starts_in > 0) continue;
      if (worker.busy_for > 0 && --worker.busy_for == 0) {
        worker.idle = Millis{0};
        ++completed;
      }
      if (worker.busy_for > 0) continue;
      if (waiting > 0) {
        --waiting;
        worker.busy_for = kServiceTicks;
      } else {
        worker.idle += kTick;
      }
    }
  }
};

// As a profile hands them over: `default` keeps an idle worker for the hold, too.
PolicyOptions as_shipped() {
  PolicyOptions options;
  options.keep = options.idle_hold;
  return options;
}

class EachPolicyTest : public testing::TestWithParam<Promises> {};

TEST_P(EachPolicyTest, StaysWithinTheCapAndHoldsWhileItCannotSee) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const auto policy = make_policy(GetParam().policy, as_shipped()).value();
    Model model;
    model.cap = static_cast<std::uint32_t>(1 + random.next() % 20);
    for (int tick = 0; tick < 600; ++tick) {
      if (random.next() % 20 == 0) model.send(random.next() % 50);
      Observation seen = model.observe();
      const std::uint32_t current = seen.pending + seen.running;
      // Once in a while it sees nothing for 60 s.
      if (random.next() % 200 == 0) {
        seen.valid = false;
        for (int blind = 0; blind < 600; ++blind, seen.now += kTick)
          ASSERT_EQ(policy->decide(seen).target, current) << "it did not hold";
        model.now = seen.now;
        continue;
      }
      const Decision decision = policy->decide(seen);
      ASSERT_LE(decision.target, model.cap);
      if (GetParam().keeps_what_is_needed && seen.visible + seen.busy > current) {
        ASSERT_GE(decision.target, current) << decision.reason;
      }
      model.obey(decision.target);
      model.pass();
    }
  }
}

TEST_P(EachPolicyTest, DoesNotSwingUnderSteadyLoad) {
  if (!GetParam().steady) GTEST_SKIP() << "its rule follows every message";
  constexpr int kSeconds = 300;
  SeededRandom random(7);
  const auto policy = make_policy(GetParam().policy, as_shipped()).value();
  Model model;
  int changes = 0, direction = 1;
  for (int tick = 0; tick < kSeconds * 10; ++tick) {
    // 20 jobs a second, give or take 10 %: 6 workers' work.
    if (tick % 10 == 0) model.send(18 + random.next() % 5);
    const auto before = static_cast<std::int64_t>(model.workers.size());
    model.obey(policy->decide(model.observe()).target);
    const auto change = static_cast<std::int64_t>(model.workers.size()) - before;
    if (change * direction < 0) {
      ++changes;
      direction = -direction;
    }
    model.pass();
  }
  EXPECT_LE(changes, kSeconds / 5);
}

TEST_P(EachPolicyTest, ComesToZero) {
  if (!GetParam().zero_after) GTEST_SKIP() << "its rule ends no worker, or keeps the last";
  const auto policy = make_policy(GetParam().policy, as_shipped()).value();
  Model model;
  Millis quiet{0};
  for (int tick = 0; tick < 10'000; ++tick) {
    if (tick < 300 && tick % 3 == 0) model.send(1);
    const Observation seen = model.observe();
    model.obey(policy->decide(seen).target);
    if (tick >= 300 && model.workers.empty()) break;
    quiet = tick < 300 || seen.visible + seen.in_flight + seen.pending > 0 ? Millis{0} : quiet + kTick;
    model.pass();
  }
  EXPECT_TRUE(model.workers.empty());
  EXPECT_LE(quiet, *GetParam().zero_after + kTick);
}

INSTANTIATE_TEST_SUITE_P(Policies, EachPolicyTest, testing::ValuesIn(kPromises), [](const auto& tested) {
  std::string name = tested.param.policy;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(PoliciesTest, EachHasItsPromises) {
  for (const std::string_view name : policy_names())
    EXPECT_EQ(std::ranges::count(kPromises, name, [](const Promises& row) { return std::string_view(row.policy); }), 1)
        << name;
}

TEST(PoliciesTest, TuningsBeginWithTheDefaultsAndAreFew) {
  for (const std::string_view name : policy_names()) {
    const auto options = tunings(name, {});
    ASSERT_FALSE(options.empty());
    EXPECT_TRUE(options.front().tuning.empty());
    EXPECT_LE(options.size(), 41u) << name;
    for (const PolicyOptions& each : options) EXPECT_TRUE(make_policy(name, each));
  }
  EXPECT_EQ(tunings("default", {}).size(), 1u) << "ours has no gains";
}

}  // namespace
}  // namespace facefleet::autoscaler
