#include "sim/simulation.h"

#include <gmock/gmock.h>

#include <functional>

namespace facefleet::sim {
namespace {

using autoscaler::Decision;
using autoscaler::Observation;
using testing::ElementsAre;

Micros seconds(double value) { return Micros(static_cast<std::int64_t>(value * 1e6)); }

// Says what a test tells it to, and keeps what it saw.
class Told final : public autoscaler::Policy {
 public:
  explicit Told(std::function<std::uint32_t(const Observation&)> rule) : rule_(std::move(rule)) {}
  std::string_view name() const override { return "told"; }
  Decision decide(const Observation& observation) override {
    seen.push_back(observation);
    return {rule_(observation), "told"};
  }
  std::vector<Observation> seen;

 private:
  std::function<std::uint32_t(const Observation&)> rule_;
};

// As many workers as there are jobs; those that rest go.
std::uint32_t one_a_job(const Observation& seen) { return static_cast<std::uint32_t>(seen.visible + seen.in_flight); }

Trace arriving(std::vector<double> at_s) {
  Trace trace;
  trace.name = "by hand";
  for (const double at : at_s) trace.arrivals.push_back(seconds(at));
  return trace;
}

Options options(double start_s, double service_s) {
  Options made;
  made.start = seconds(start_s);
  made.service = seconds(service_s);
  return made;
}

TEST(Simulation, BillsFromLaunchToEnd) {
  // Arrives at 1.05; the tick at 1.1 launches; ready at 3.1; done at 3.6; the tick at 3.6 sees it idle and ends it.
  Told policy(&one_a_job);
  const Outcome outcome = simulate(arriving({1.05}), policy, options(2, 0.5));
  EXPECT_DOUBLE_EQ(outcome.worker_seconds, 2.5);
  EXPECT_DOUBLE_EQ(outcome.wait_p95_s, 2.05);
  EXPECT_EQ(outcome.changes, 1U);
  EXPECT_EQ(outcome.answered, 1U);
  EXPECT_EQ(outcome.launches, 1U);
  EXPECT_EQ(outcome.peak, 1U);
  EXPECT_EQ(outcome.over, seconds(3.6));
}

TEST(Simulation, OneWorkerTakesJobsInTheOrderOfTheirArrival) {
  // Launched at 0, ready at 1; jobs begin at 1, 1.3, 1.6: waits of 1, 1.2 and 1.4 s.
  Told policy([](const Observation& seen) { return std::uint32_t{seen.completed < 3}; });
  const Outcome outcome = simulate(arriving({0, 0.1, 0.2}), policy, options(1, 0.3));
  EXPECT_DOUBLE_EQ(outcome.wait_p50_s, 1.2);
  EXPECT_DOUBLE_EQ(outcome.wait_max_s, 1.4);
  EXPECT_DOUBLE_EQ(outcome.worker_seconds, 1.9);
}

TEST(Simulation, NeverExceedsTheCap) {
  Told policy([](const Observation&) { return 50U; });
  Options few = options(0.2, 0.1);
  few.cap = 3;
  EXPECT_EQ(simulate(arriving({0, 0, 0, 0, 0, 0}), policy, few).peak, 3U);
}

TEST(Simulation, ABusyWorkerIsNotDismissed) {
  Told policy(
      [](const Observation& seen) { return std::uint32_t{seen.running + seen.pending == 0 && seen.visible > 0}; });
  const Outcome outcome = simulate(arriving({0}), policy, options(0.2, 5));
  EXPECT_EQ(outcome.answered, 1U);
  EXPECT_DOUBLE_EQ(outcome.worker_seconds, 5.2);
}

TEST(Simulation, TheLongestIdleGoesFirst) {
  // Both work from 0.2 on, one for 0.1 s, the other for 1 s; at 2 one is to go: the one that had the short job.
  Trace trace = arriving({0, 0});
  trace.services = {seconds(0.1), seconds(1)};
  Told policy([](const Observation& seen) {
    const auto now = seen.now.time_since_epoch() - std::chrono::hours(1);
    return now < Millis(2'000) ? 2U : now < Millis(3'000) ? 1U : 0U;
  });
  EXPECT_DOUBLE_EQ(simulate(trace, policy, options(0.2, 0.1)).worker_seconds, 2.0 + 3.0);
  const auto after = std::ranges::find(policy.seen, 1U, &Observation::running);
  ASSERT_NE(after, policy.seen.end());
  EXPECT_THAT(after->idle_for, ElementsAre(Millis(900)));
}

TEST(Simulation, WhatThePolicySees) {
  Told policy([](const Observation&) { return 1U; });
  simulate(arriving({0.05, 0.05, 0.15}), policy, options(1, 0.4));
  const Observation& second = policy.seen[2];  // at 0.2
  EXPECT_EQ(second.visible, 3U);
  EXPECT_EQ(second.oldest_age, Millis(150));
  EXPECT_EQ(second.pending, 1U);
  EXPECT_THAT(second.coming_for, ElementsAre(Millis(200)));
  EXPECT_EQ(second.cap, 20U);
  const Observation& busy = policy.seen[13];  // at 1.3: the first is in work
  EXPECT_EQ(busy.visible, 2U);
  EXPECT_EQ(busy.in_flight, 1U);
  EXPECT_EQ(busy.busy, 1U);
  EXPECT_EQ(busy.arrived, 3U);
  const Observation& later = policy.seen[40];
  EXPECT_EQ(later.completed, 3U);
  EXPECT_EQ(later.start, Millis(1'000));
  EXPECT_NEAR(static_cast<double>(later.service.count()), 400, 40);
}

TEST(Simulation, WorkersThatEndThemselvesGoOnceTheQueueIsEmpty) {
  Told policy([](const Observation& seen) {
    return std::max(static_cast<std::uint32_t>(seen.visible), seen.pending + seen.running);
  });
  Options self = options(0.2, 0.1);
  self.workers_end_themselves = true;
  // Both are launched at 0 and start at 0.2; the only job keeps one until 0.3, the other finds nothing.
  Trace trace = arriving({0, 0});
  trace.services = {seconds(0.1), seconds(0.3)};
  EXPECT_DOUBLE_EQ(simulate(trace, policy, self).worker_seconds, 0.3 + 0.5);
}

TEST(Simulation, ACrashLosesNothing) {
  Trace trace = arriving({0});
  trace.faults.push_back({seconds(1), Fault::Kind::kCrash, 0, 7});
  Options leased = options(0.5, 2);
  leased.lease = seconds(3);
  Told policy(&one_a_job);
  const Outcome outcome = simulate(trace, policy, leased);
  EXPECT_EQ(outcome.answered, 1U);
  EXPECT_EQ(outcome.launches, 2U);
  // Leased at 0.5 until 3.5. The second worker, launched while the job was in flight, has been idle since.
  EXPECT_DOUBLE_EQ(outcome.wait_max_s, 3.5);
}

TEST(Simulation, PoisonComesBackUntilItIsDeadAndHoldsNobodyElseUp) {
  Trace trace = arriving({0, 0});
  trace.poison = {0};
  Options leased = options(0.2, 0.1);
  leased.lease = seconds(2);
  leased.receives_max = 3;
  Told policy(&one_a_job);
  const Outcome outcome = simulate(trace, policy, leased);
  EXPECT_EQ(outcome.answered, 1U);
  EXPECT_EQ(outcome.dead, 1U);
  EXPECT_EQ(outcome.lost, 0U);
  EXPECT_DOUBLE_EQ(outcome.wait_max_s, 0.2);
}

TEST(Simulation, WhoIsToldToGoFinishesItsJob) {
  Trace trace = arriving({0, 0});
  trace.faults.push_back({seconds(1), Fault::Kind::kNotice, 0.5, 1});
  Told policy([](const Observation& seen) { return seen.completed < 2 ? 2U : 0U; });
  const Outcome outcome = simulate(trace, policy, options(0.5, 2));
  EXPECT_EQ(outcome.answered, 2U);
  EXPECT_DOUBLE_EQ(outcome.wait_max_s, 0.5) << "nothing was done twice";
  EXPECT_EQ(outcome.launches, 3U) << "it was replaced at once";
  const auto leaving = std::ranges::find(policy.seen, 1U, &Observation::leaving);
  ASSERT_NE(leaving, policy.seen.end());
  EXPECT_EQ(leaving->running, 1U);
}

TEST(Simulation, WithoutAMetricNothingIsDone) {
  Trace trace = arriving({0, 5});
  trace.faults.push_back({seconds(1), Fault::Kind::kMetricLost, 0, 0});
  trace.faults.push_back({seconds(9), Fault::Kind::kMetricBack, 0, 0});
  Told policy(&one_a_job);
  const Outcome outcome = simulate(trace, policy, options(0.2, 0.1));
  EXPECT_DOUBLE_EQ(outcome.wait_max_s, 4.2);
  const auto blind = std::ranges::find(policy.seen, false, &Observation::valid);
  ASSERT_NE(blind, policy.seen.end());
  EXPECT_EQ(blind->visible, 0U);
}

TEST(Simulation, WhatAPolicyLeavesWaitingIsLost) {
  Told policy([](const Observation&) { return 0U; });
  const Outcome outcome = simulate(arriving({0, 1}), policy, options(0.2, 0.1));
  EXPECT_EQ(outcome.lost, 2U);
  EXPECT_GT(outcome.wait_p95_s, 1'000);
  EXPECT_DOUBLE_EQ(outcome.worker_seconds, 0);
}

// Every trace, with a policy that is neither the best nor the worst.
class EveryTrace : public testing::TestWithParam<TraceKind> {};

TEST_P(EveryTrace, AnswersOrBuriesEachJobOnceAndReplaysFromItsSeed) {
  const Trace trace = make_trace(GetParam().name, {.seed = 5}).value();
  const auto run = [&trace] {
    auto policy = autoscaler::make_policy("queue-length-15", {}).value();
    Options kept = options(1, 0.1);
    kept.keep_timeline = true;
    return simulate(trace, *policy, kept);
  };
  const Outcome first = run(), second = run();
  EXPECT_EQ(first.answered + first.dead, first.jobs);
  EXPECT_EQ(first.dead, trace.poison.size());
  EXPECT_LE(first.peak, 20U);
  EXPECT_EQ(first.worker_seconds, second.worker_seconds);
  EXPECT_EQ(first.wait_p95_s, second.wait_p95_s);
  ASSERT_EQ(first.timeline.size(), second.timeline.size());
  for (const Moment& moment : first.timeline) EXPECT_LE(moment.starting + moment.running, 20U);
}

INSTANTIATE_TEST_SUITE_P(Traces, EveryTrace, testing::ValuesIn(trace_kinds().begin(), trace_kinds().end()),
                         [](const auto& kind) {
                           std::string name(kind.param.name);
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace facefleet::sim
