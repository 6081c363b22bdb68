#include "sim/comparison.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "sim/optimum.h"
#include "sim/report.h"

namespace facefleet::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

Comparison of(std::vector<std::string> policies, std::vector<std::string_view> traces) {
  Comparison comparison;
  comparison.policies = std::move(policies);
  for (const std::string_view name : traces) comparison.traces.push_back(make_trace(name, {}).value());
  return comparison;
}

std::vector<std::string> all_policies() {
  std::vector<std::string> names;
  for (const std::string_view name : autoscaler::policy_names())
    if (name != "none") names.emplace_back(name);
  return names;
}

TEST(Comparison, TunedRivalsAreNoWorseThanTheirDefaults) {
  Comparison comparison = of({"keda-sqs", "queue-length-15"}, {"burst-100", "poison"});
  comparison.tuned = true;
  comparison.wait = Millis(5'000);
  const std::vector<Row> rows = compare(comparison).value();
  ASSERT_EQ(rows.size(), 8U);
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    SCOPED_TRACE(rows[i].policy + " " + rows[i].trace);
    EXPECT_FALSE(rows[i].tuned);
    EXPECT_TRUE(rows[i + 1].tuned);
    EXPECT_EQ(rows[i].policy, rows[i + 1].policy);
    EXPECT_GE(rows[i + 1].held, rows[i].held);
    if (rows[i].held) {
      EXPECT_LE(rows[i + 1].outcome.worker_seconds, rows[i].outcome.worker_seconds);
    }
  }
  EXPECT_TRUE(rows[1].held) << "KEDA can be tuned for a wait of 5 s";
}

TEST(Comparison, NamesTheKnownPolicies) {
  const auto rows = compare(of({"wishful"}, {"burst-10"}));
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error().message, HasSubstr("queue-length-15"));
}

TEST(Report, TheSameBytesForTheSameSeed) {
  const auto report = [] {
    Comparison comparison = of(all_policies(), {"burst-100", "crashes"});
    comparison.options.keep_timeline = true;
    const std::vector<Row> rows = compare(comparison).value();
    return to_text(comparison, rows) + to_json(comparison, rows) + to_html(comparison, rows);
  };
  EXPECT_EQ(report(), report());
}

TEST(Report, JsonHasARowForEachPolicyAndTrace) {
  const Comparison comparison = of({"difference", "none"}, {"burst-10", "crashes"});
  const std::vector<Row> rows = compare(comparison).value();
  const auto json = boost::json::parse(to_json(comparison, rows)).as_array();
  ASSERT_EQ(json.size(), 4U);
  const boost::json::object& first = json[0].as_object();
  EXPECT_EQ(first.at("policy").as_string(), "difference");
  EXPECT_EQ(first.at("trace").as_string(), "burst-10");
  EXPECT_EQ(first.at("start_s").to_number<double>(), 0.2);
  EXPECT_EQ(first.at("lost").to_number<int>(), 0);
  EXPECT_GT(first.at("worker_seconds").to_number<double>(), 1);
  EXPECT_GE(first.at("optimum_ratio").to_number<double>(), 1);
  EXPECT_TRUE(first.at("held").as_bool());
  EXPECT_EQ(json[1].at("lost").to_number<int>(), 10) << "nobody scales";
  EXPECT_TRUE(json[2].at("optimum").is_null()) << "no planner foresees crashes";
}

TEST(Report, ThePageNeedsNoOtherFile) {
  Comparison comparison = of({"difference"}, {"burst-10"});
  comparison.options.keep_timeline = true;
  const std::string page = to_html(comparison, compare(comparison).value());
  EXPECT_THAT(page, HasSubstr("uPlot"));
  EXPECT_THAT(page, HasSubstr("\"name\":\"burst-10\""));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  EXPECT_THAT(page, Not(HasSubstr("src=\"")));
  EXPECT_THAT(page, Not(HasSubstr("href=\"")));
}

TEST(Optimum, IsKnownForTheDefaultsOnly) {
  const Trace trace = make_trace("burst-100", {}).value();
  const Options options;
  const auto optimum = optimum_of(trace, options, Millis(1'000));
  ASSERT_TRUE(optimum);
  EXPECT_NEAR(*optimum, 100 * 0.1 + 9 * 0.2, 1e-6) << "nine workers can begin 95 jobs within a second";
  Options fewer = options;
  fewer.cap = 10;
  EXPECT_FALSE(optimum_of(trace, fewer, Millis(1'000)));
  EXPECT_FALSE(optimum_of(trace, options, Millis(2'000)));
  EXPECT_FALSE(optimum_of(make_trace("burst-100", {.seed = 2}).value(), options, Millis(1'000)));
}

// What `facefleet sim` prints. After a change that is meant: facefleet sim > tests/golden/sim/table.txt
TEST(Golden, TheTableOfAllPoliciesOnAllTraces) {
  std::ifstream file("tests/golden/sim/table.txt");
  std::stringstream golden;
  golden << file.rdbuf();
  std::vector<std::string_view> names;
  for (const TraceKind& kind : trace_kinds()) names.push_back(kind.name);
  const Comparison comparison = of(all_policies(), names);
  const std::vector<Row> rows = compare(comparison).value();
  EXPECT_EQ(to_text(comparison, rows), golden.str());
  for (const Row& row : rows) {
    if (row.held && row.optimum) {
      EXPECT_GE(row.outcome.worker_seconds, *row.optimum) << row.policy << " " << row.trace;
    }
  }
}

}  // namespace
}  // namespace facefleet::sim
