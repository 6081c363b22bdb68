#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace facefleet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, ExposesEachKindInTextFormat) {
  Metrics metrics;
  metrics.counter("photos_total", "Photos accepted.", {{"gallery", "default"}}).add();
  metrics.counter("photos_total", "Photos accepted.", {{"gallery", "default"}}).add(2);
  metrics.counter("photos_total", "Photos accepted.", {{"gallery", "staff"}}).add();
  const Gauge waiting = metrics.gauge("jobs_waiting", "Jobs in the queue.");
  waiting.set(7);
  waiting.add(-2);
  const Histogram seconds = metrics.histogram("answer_seconds", "Time to answer.", {0.1, 1});
  seconds.observe(0.05);
  seconds.observe(0.5);
  seconds.observe(5);

  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("# HELP photos_total Photos accepted.\n# TYPE photos_total counter\n"));
  EXPECT_THAT(text, HasSubstr("photos_total{gallery=\"default\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("photos_total{gallery=\"staff\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("jobs_waiting 5\n"));
  EXPECT_THAT(text, HasSubstr("answer_seconds_bucket{le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("answer_seconds_bucket{le=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("answer_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("answer_seconds_count 3\n"));
}

TEST(Metrics, EscapesLabels) {
  Metrics metrics;
  metrics.gauge("worker_up", "", {{"name", "a\"b\nc"}}).set(1);
  EXPECT_THAT(metrics.expose(), HasSubstr("worker_up{name=\"a\\\"b\\nc\"} 1\n"));
}

TEST(Metrics, TwoDoNotShareSeries) {
  Metrics one;
  Metrics other;
  one.counter("photos_total", "Photos accepted.").add();
  EXPECT_THAT(other.expose(), Not(HasSubstr("photos_total")));
}

TEST(Metrics, OneNameForTwoKindsIsABug) {
  Metrics metrics;
  metrics.gauge("photos", "");
  EXPECT_THROW(metrics.counter("photos", ""), std::exception);
  EXPECT_THROW(metrics.counter("not a name", ""), std::exception);
}

}  // namespace
}  // namespace facefleet
