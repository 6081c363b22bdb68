#include "fleet/self.h"

#include <gtest/gtest.h>

#include <fstream>

namespace facefleet::fleet {
namespace {

class SelfTest : public testing::Test {
 protected:
  ~SelfTest() override { std::filesystem::remove(path_); }
  std::filesystem::path path_ =
      testing::TempDir() + "self-" + testing::UnitTest::GetInstance()->current_test_info()->name();
  ManualClock clock_;
};

TEST_F(SelfTest, UnknownUntilAWorkerReports) {
  EXPECT_EQ(read_status_file(path_).state, WorkerState::kUnknown);
  const auto self = open_status_file(path_, "i-1", clock_).value();
  EXPECT_EQ(self->instance_id(), "i-1");
  EXPECT_EQ(read_status_file(path_).state, WorkerState::kUnknown);
}

TEST_F(SelfTest, ShowsTheLastReport) {
  const auto self = open_status_file(path_, "i-1", clock_).value();
  self->report(WorkerState::kIdle, 3);
  const Status status = read_status_file(path_);
  EXPECT_EQ(status.state, WorkerState::kIdle);
  EXPECT_EQ(status.since_ms, clock_.wall_ms());
  EXPECT_EQ(status.jobs_done, 3);
}

TEST_F(SelfTest, SinceMovesWithTheStateOrAJobAndNotOtherwise) {
  const auto self = open_status_file(path_, "i-1", clock_).value();
  self->report(WorkerState::kIdle, 0);
  const std::int64_t first = clock_.wall_ms();
  clock_.advance(Millis{5});
  self->report(WorkerState::kIdle, 0);
  EXPECT_EQ(read_status_file(path_).since_ms, first);
  self->report(WorkerState::kIdle, 1);
  EXPECT_EQ(read_status_file(path_).since_ms, first + 5);
  clock_.advance(Millis{5});
  self->report(WorkerState::kBusy, 1);
  EXPECT_EQ(read_status_file(path_).since_ms, first + 10);
}

TEST_F(SelfTest, ALaterWorkerStartsAfresh) {
  open_status_file(path_, "i-1", clock_).value()->report(WorkerState::kBusy, 9);
  const auto second = open_status_file(path_, "i-1", clock_).value();
  EXPECT_EQ(read_status_file(path_).state, WorkerState::kUnknown);
  EXPECT_EQ(read_status_file(path_).jobs_done, 0);
}

TEST_F(SelfTest, AnythingElseIsUnknown) {
  std::ofstream(path_) << "short";
  EXPECT_EQ(read_status_file(path_).state, WorkerState::kUnknown);
  std::ofstream(path_) << std::string(64, '\xff');
  EXPECT_EQ(read_status_file(path_).state, WorkerState::kUnknown);
}

TEST_F(SelfTest, AFolderThatIsNotThereIsAnError) {
  const auto self = open_status_file("/nonexistent/status", "i-1", clock_);
  ASSERT_FALSE(self);
  EXPECT_NE(self.error().message.find("/nonexistent/status"), std::string::npos);
}

}  // namespace
}  // namespace facefleet::fleet
