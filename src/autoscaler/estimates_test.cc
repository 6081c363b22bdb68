#include "autoscaler/estimates.h"

#include <gtest/gtest.h>

#include <vector>

namespace facefleet::autoscaler {
namespace {

class EstimatesTest : public testing::Test {
 protected:
  void look(std::uint64_t depth, std::vector<Estimates::Worker> workers = {}, Millis passed = Millis{100}) {
    now_ += passed;
    estimates_.look(now_, depth, workers);
  }
  static Estimates::Worker busy(std::string_view id, std::uint64_t done) {
    return {.id = id, .ready = true, .busy = true, .jobs_done = done};
  }
  static Estimates::Worker idle(std::string_view id, std::uint64_t done, Millis ready_after = Millis{0}) {
    return {.id = id, .ready = true, .jobs_done = done, .ready_after = ready_after};
  }
  static Estimates::Worker pending(std::string_view id) { return {.id = id, .pending = true}; }

  MonoTime now_{std::chrono::hours(1)};
  Estimates estimates_;
};

TEST_F(EstimatesTest, ArrivalsAreTheDepthsChangeAndWhatWasDone) {
  look(7, {busy("a", 40)});
  EXPECT_EQ(estimates_.arrived(), 0u) << "what was there at the first look came before it";
  EXPECT_EQ(estimates_.completed(), 0u);
  look(7, {busy("a", 43)});
  EXPECT_EQ(estimates_.completed(), 3u);
  EXPECT_EQ(estimates_.arrived(), 3u) << "as many came as were done";
  look(2, {busy("a", 50)});
  EXPECT_EQ(estimates_.completed(), 10u);
  EXPECT_EQ(estimates_.arrived(), 5u);
}

TEST_F(EstimatesTest, NothingFallsWhenAWorkerGoesOrStartsAnew) {
  look(0);
  look(5, {busy("a", 0), busy("b", 0)});
  look(0, {idle("a", 3), idle("b", 2)});
  EXPECT_EQ(estimates_.completed(), 5u);
  look(0, {idle("a", 3)});
  look(0, {});
  EXPECT_EQ(estimates_.completed(), 5u);
  look(1, {busy("a", 0)});  // the same instance of a pool, started anew
  look(0, {idle("a", 1)});
  EXPECT_EQ(estimates_.completed(), 6u);
  EXPECT_EQ(estimates_.arrived(), 6u);
}

TEST_F(EstimatesTest, AWorkerThatTellsLateMakesNoArrivals) {
  look(0);
  look(4, {busy("a", 0)});
  look(1, {busy("a", 0)});  // three messages are gone, nothing told yet
  EXPECT_EQ(estimates_.arrived(), 4u);
  look(1, {busy("a", 3)});
  EXPECT_EQ(estimates_.arrived(), 4u);
  EXPECT_EQ(estimates_.completed(), 3u);
}

TEST_F(EstimatesTest, AfterAPurgeNewJobsCountAgain) {
  look(0);
  look(1'000);
  look(0);
  look(3);
  EXPECT_EQ(estimates_.arrived(), 1'000u) << "for a while they may be what was done and not told";
  look(0, {}, Millis{6'000});
  look(0, {}, Millis{6'000});
  look(2);
  EXPECT_EQ(estimates_.arrived(), 1'002u);
}

TEST_F(EstimatesTest, ServiceIsBusyWorkerTimePerJob) {
  EXPECT_EQ(estimates_.service(), Millis{0});
  look(0);
  for (std::uint64_t done = 0; done <= 100; ++done) look(4, {busy("a", done), busy("b", done)}, Millis{300});
  EXPECT_EQ(estimates_.service(), Millis{300});
  for (std::uint64_t done = 101; done <= 600; ++done) look(4, {busy("a", done), busy("b", done)}, Millis{50});
  EXPECT_EQ(estimates_.service(), Millis{50}) << "it follows";
}

TEST_F(EstimatesTest, StartIsFromLaunchUntilAWorkerTakesJobs) {
  look(0, {idle("old", 0, Millis{900'000})});
  EXPECT_EQ(estimates_.start(), Millis{0}) << "when the first ones started, nobody saw";
  look(0, {idle("old", 0, Millis{900'000}), pending("a")});
  look(0, {idle("old", 0, Millis{900'000}), idle("a", 0, Millis{20'000})});
  EXPECT_EQ(estimates_.start(), Millis{20'000});
  look(0, {idle("old", 0, Millis{900'000}), idle("a", 0, Millis{20'000}), idle("quick", 0, Millis{10'000})});
  EXPECT_EQ(estimates_.start(), Millis{17'000}) << "smoothed; one that came between two looks counts";
  look(0, {busy("a", 0)});
  look(0, {idle("a", 1, Millis{500'000})});
  EXPECT_EQ(estimates_.start(), Millis{17'000}) << "once a start";
  look(0, {pending("a")});
  look(0, {idle("a", 1, Millis{17'000})});
  EXPECT_EQ(estimates_.start(), Millis{17'000});
}

}  // namespace
}  // namespace facefleet::autoscaler
