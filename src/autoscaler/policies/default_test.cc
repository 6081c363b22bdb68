#include "autoscaler/policies/default.h"

#include <gtest/gtest.h>

#include "autoscaler/policies/forecast.h"
#include "autoscaler/policies/waiting.h"

namespace facefleet::autoscaler {
namespace {

constexpr MonoTime kBegin{std::chrono::hours(1)};

Observation burst(std::uint64_t jobs) {
  Observation seen;
  seen.now = kBegin;
  seen.visible = jobs;
  seen.service = Millis{100};
  seen.start = Millis{200};
  seen.completed = 1;
  seen.cap = 20;
  return seen;
}

std::uint32_t target(const Observation& seen, Millis wait) {
  PolicyOptions options;
  options.wait = wait;
  return make_default(options)->decide(seen).target;
}

TEST(DefaultTest, ServesABurstAtOnceWithTheFewestThatBeginItInTime) {
  // 95 of 100 jobs of 0.1 s must begin within the wait, of which a start takes 0.2 s.
  const std::uint32_t in_a_second = target(burst(100), Millis{1'000});
  EXPECT_GE(in_a_second, 11u);
  EXPECT_LE(in_a_second, 14u);
  const std::uint32_t in_five = target(burst(100), Millis{5'000});
  EXPECT_GE(in_five, 2u);
  EXPECT_LE(in_five, 3u);
  EXPECT_EQ(target(burst(100), Millis{30'000}), 1u);
  EXPECT_EQ(target(burst(10'000), Millis{1'000}), 20u) << "the cap";
  EXPECT_EQ(target(burst(0), Millis{1'000}), 0u);
}

TEST(DefaultTest, OneJobThatSeemedToTakeNoTimeIsNoMeasure) {
  Observation seen = burst(100);
  seen.service = Millis{1};
  EXPECT_GE(target(seen, Millis{1'000}), 8u);
  seen.completed = 1'000;
  EXPECT_EQ(target(seen, Millis{1'000}), 1u);
}

TEST(DefaultTest, CountsWorkersThatAreComing) {
  Observation seen = burst(100);
  seen.pending = 14;
  seen.coming_for.assign(14, Millis{0});
  EXPECT_EQ(target(seen, Millis{1'000}), 14u);
}

TEST(DefaultTest, DoesNotStayUpForPoison) {
  // Jobs that are leased and that nobody works on: only their leases' end brings them back.
  Observation seen = burst(0);
  seen.in_flight = 5;
  seen.running = 2;
  seen.idle_for = {Millis{900}, Millis{800}};
  EXPECT_EQ(target(seen, Millis{1'000}), 0u);
}

TEST(DefaultTest, KeepsAnIdleWorkerAsLongAsItIsTold) {
  PolicyOptions options;
  options.keep = Millis{10'000};
  Observation seen = burst(0);
  seen.running = 1;
  seen.idle_for = {Millis{9'999}};
  EXPECT_EQ(make_default(options)->decide(seen).target, 1u);
  seen.idle_for = {Millis{10'000}};
  EXPECT_EQ(make_default(options)->decide(seen).target, 0u);
}

TEST(DefaultTest, PutsOffALoneJobOnAnEmptyFleetNoLongerThanItsWait) {
  PolicyOptions options;
  options.wait = Millis{500};
  const auto policy = make_default(options);
  Observation seen = burst(0);
  seen.start = Millis{150};
  // A job every 1.2 s is company that a job may be kept waiting for; each is taken a start after its launch.
  for (int job = 0; job < 60; ++job) {
    ++seen.visible;
    ++seen.arrived;
    Millis waited{0};
    while (policy->decide(seen).target == 0) {
      waited += Millis{100};
      seen.now += Millis{100};
      ASSERT_LE(waited + seen.start, options.wait) << "job " << job;
    }
    seen.now += seen.start;
    --seen.visible;
    ++seen.completed;
    policy->decide(seen);
    seen.now += Millis{1'050} - waited;
  }
}

TEST(WaitingTest, KnowsWhoWaitsAndWhoWasLate) {
  Waiting waiting(Millis{1'000});
  waiting.look(kBegin, 0, 0, Millis{0});
  waiting.look(kBegin + Millis{100}, 10, 10, Millis{0});
  EXPECT_EQ(waiting.jobs(), 10);
  EXPECT_EQ(waiting.batches().front().came, kBegin) << "at the earliest";
  waiting.look(kBegin + Millis{600}, 6, 0, Millis{0});
  EXPECT_EQ(waiting.late(), 0);
  waiting.look(kBegin + Millis{1'500}, 4, 0, Millis{0});
  EXPECT_EQ(waiting.late(), 6) << "two began too late, four still wait";
  EXPECT_EQ(waiting.came(), 10);
}

TEST(WaitingTest, JobsThatCameBackWaitAnew) {
  Waiting waiting(Millis{1'000});
  waiting.look(kBegin, 0, 0, Millis{0});
  waiting.look(kBegin + Millis{5'000}, 3, 0, Millis{0});
  EXPECT_EQ(waiting.jobs(), 3);
  EXPECT_EQ(waiting.came(), 0);
  EXPECT_EQ(waiting.late(), 0);
}

// Looks every 100 ms for `seconds`; rate(second) jobs come in each second, one look after another.
template <class RateAt>
void feed(Forecast& forecast, MonoTime& now, int seconds, RateAt rate) {
  double owed = 0;
  for (int look = 0; look < seconds * 10; ++look) {
    now += Millis{100};
    owed += rate(look / 10.0) / 10.0;
    const auto count = static_cast<std::uint64_t>(owed);
    owed -= static_cast<double>(count);
    forecast.add(now, count);
  }
}

TEST(ForecastTest, FollowsALineAheadAndAStepAtOnce) {
  MonoTime now = kBegin;
  Forecast rising;
  feed(rising, now, 120, [](double second) { return second / 2; });
  EXPECT_NEAR(rising.at(Millis{0}).mean, 60, 3);
  EXPECT_NEAR(rising.at(Millis{60'000}).mean, 90, 6);

  Forecast step;
  now = kBegin;
  feed(step, now, 120, [](double) { return 10; });
  EXPECT_NEAR(step.at(Millis{60'000}).mean, 10, 1);
  feed(step, now, 4, [](double) { return 80; });
  EXPECT_NEAR(step.at(Millis{0}).mean, 80, 15);
}

TEST(ForecastTest, OneBurstIsNotAStream) {
  MonoTime now = kBegin;
  Forecast forecast;
  feed(forecast, now, 10, [](double) { return 0; });
  forecast.add(now += Millis{100}, 1'000);
  feed(forecast, now, 2, [](double) { return 0; });
  EXPECT_EQ(forecast.at(Millis{0}).mean, 0);
}

}  // namespace
}  // namespace facefleet::autoscaler
