#include "sim/trace.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace facefleet::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Trace, IsAPureFunctionOfItsSeed) {
  for (const TraceKind& kind : trace_kinds()) {
    SCOPED_TRACE(kind.name);
    const Trace first = make_trace(kind.name, {.seed = 3}).value();
    const Trace again = make_trace(kind.name, {.seed = 3}).value();
    const Trace other = make_trace(kind.name, {.seed = 4}).value();
    EXPECT_EQ(first.arrivals, again.arrivals);
    EXPECT_EQ(first.services, again.services);
    EXPECT_EQ(first.poison, again.poison);
    EXPECT_NE(first.arrivals, other.arrivals);
    EXPECT_TRUE(std::ranges::is_sorted(first.arrivals));
    EXPECT_TRUE(std::ranges::is_sorted(first.faults, {}, &Fault::at));
  }
}

TEST(Trace, ComesAtTheRateItSays) {
  const auto rate = [](const Trace& trace, int from_s, int until_s) {
    const auto count = std::ranges::count_if(trace.arrivals, [&](Micros at) {
      return at >= std::chrono::seconds(from_s) && at < std::chrono::seconds(until_s);
    });
    return static_cast<double>(count) / (until_s - from_s);
  };
  const Trace step = make_trace("step", {}).value();
  EXPECT_NEAR(rate(step, 0, 300), 10, 1);
  EXPECT_NEAR(rate(step, 300, 1'800), 75, 2);
  EXPECT_NEAR(rate(step, 1'800, 2'100), 10, 1);
  EXPECT_NEAR(rate(make_trace("poisson", {}).value(), 0, 900), 35, 1);
  EXPECT_NEAR(rate(make_trace("on-off", {}).value(), 60, 120), 55, 4);
  EXPECT_EQ(rate(make_trace("on-off", {}).value(), 120, 180), 0);
}

TEST(Trace, HeavyTailedServicesHaveTheMeanThatWasAskedFor) {
  const Trace trace = make_trace("heavy-tailed", {.seed = 1, .service = Micros(200'000)}).value();
  ASSERT_EQ(trace.services.size(), trace.arrivals.size());
  double sum = 0;
  for (const Micros service : trace.services) sum += static_cast<double>(service.count());
  EXPECT_NEAR(sum / static_cast<double>(trace.services.size()), 200'000, 40'000);
  EXPECT_GT(*std::ranges::max_element(trace.services), Micros(5'000'000));
}

TEST(Trace, WhatIsFaultless) {
  for (const std::string_view name : {"burst-100", "daily", "heavy-tailed", "stale-metric"})
    EXPECT_TRUE(is_faultless(make_trace(name, {}).value())) << name;
  for (const std::string_view name : {"poison", "crashes", "slow-workers", "spot"})
    EXPECT_FALSE(is_faultless(make_trace(name, {}).value())) << name;
}

TEST(Trace, UnknownNamesAreAnsweredWithTheKnownOnes) {
  const auto trace = make_trace("brust-100", {});
  ASSERT_FALSE(trace);
  EXPECT_THAT(trace.error().message, HasSubstr("burst-100, burst-10, step"));
}

TEST(Trace, ReadsAndWritesCsv) {
  const Trace read = parse_trace("own.csv", "arrival_s,service_s\n2.5,0.1\n1,0.25\n").value();
  EXPECT_THAT(read.arrivals, ElementsAre(Micros(1'000'000), Micros(2'500'000)));
  EXPECT_THAT(read.services, ElementsAre(Micros(250'000), Micros(100'000)));
  EXPECT_EQ(to_csv(read), "arrival_s,service_s\n1.000000,0.250000\n2.500000,0.100000\n");

  const Trace drawn = make_trace("burst-10", {}).value();
  const Trace again = parse_trace("burst-10", to_csv(drawn)).value();
  EXPECT_EQ(again.arrivals, drawn.arrivals);
  EXPECT_THAT(again.services, IsEmpty());
}

TEST(Trace, SaysWhatIsWrongWithACsvFile) {
  const auto message = [](std::string_view csv) { return parse_trace("own.csv", csv).error().message; };
  EXPECT_THAT(message(""), HasSubstr("holds no arrival"));
  EXPECT_THAT(message("arrival_s\n"), HasSubstr("holds no arrival"));
  EXPECT_THAT(message("1\nsoon\n"), HasSubstr("line 2"));
  EXPECT_THAT(message("1\n-2\n"), HasSubstr("line 2"));
  EXPECT_THAT(message("1,0.1\n2\n"), HasSubstr("either every line"));
  EXPECT_THAT(message("1,0.1\n2,0\n"), HasSubstr("line 2"));
  EXPECT_THAT(message("1,2,3\n4,5,6\n"), HasSubstr("line 2"));
}

}  // namespace
}  // namespace facefleet::sim
