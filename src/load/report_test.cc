#include "load/report.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace facefleet::load {
namespace {

TEST(Report, PercentileIsTheNearestRank) {
  EXPECT_EQ(percentile({}, 50), 0);
  EXPECT_EQ(percentile({7}, 99), 7);
  EXPECT_EQ(percentile({4, 1, 3, 2}, 50), 2);
  EXPECT_EQ(percentile({4, 1, 3, 2}, 51), 3);
  std::vector<double> hundred;
  for (int i = 100; i >= 1; --i) hundred.push_back(i);
  EXPECT_EQ(percentile(hundred, 95), 95);
  EXPECT_EQ(percentile(hundred, 99), 99);
}

TEST(Report, TellsWhatHappened) {
  Outcome outcome;
  outcome.requests = 5;
  outcome.right = 2;
  outcome.wrong = outcome.unchecked = outcome.failed = 1;
  outcome.last_sent_s = 0.5;
  outcome.first_answer_s = 0.25;
  outcome.last_answer_s = 2;
  outcome.latencies_ms = {10, 20, 30, 40};

  const auto report = boost::json::parse(to_json(outcome, 0.125)).as_object();
  EXPECT_EQ(report.at("requests"), 5);
  EXPECT_EQ(report.at("answered"), 4);
  EXPECT_EQ(report.at("right"), 2);
  EXPECT_EQ(report.at("wrong"), 1);
  EXPECT_EQ(report.at("failed"), 1);
  EXPECT_EQ(report.at("requests_per_s"), 2.0);
  EXPECT_EQ(report.at("p50_ms"), 20.0);
  EXPECT_EQ(report.at("p99_ms"), 40.0);
  EXPECT_EQ(report.at("cpu_s"), 0.125);

  const std::string text = to_text(outcome, 0.125);
  EXPECT_THAT(text, ::testing::HasSubstr("right 2, wrong 1, unchecked 1; failed 1"));
  EXPECT_THAT(text, ::testing::HasSubstr("last sent 0.500 s; answers: first 0.250 s, last 2.000 s"));
}

TEST(Report, ARunWithoutAnAnswer) {
  Outcome outcome;
  outcome.requests = outcome.failed = 1;
  const auto report = boost::json::parse(to_json(outcome, 0)).as_object();
  EXPECT_EQ(report.at("answered"), 0);
  EXPECT_EQ(report.at("requests_per_s"), 0.0);
}

}  // namespace
}  // namespace facefleet::load
