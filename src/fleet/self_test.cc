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

// Keeps what its instances' tags were set to, once it is let.
class TaggedFleet final : public Fleet {
 public:
  Task<Result<std::vector<Instance>>> list() override { co_return std::vector<Instance>{}; }
  Task<Result<std::vector<Instance>>> launch(Launch) override { co_return std::vector<Instance>{}; }
  Task<Result<void>> start(std::vector<std::string>) override { co_return Result<void>(); }
  Task<Result<void>> stop(std::vector<std::string>) override { co_return Result<void>(); }
  Task<Result<void>> terminate(std::vector<std::string>) override { co_return Result<void>(); }
  Task<Result<void>> create_tags(std::vector<std::string> ids, Tags tags) override {
    ++calls;
    if (away) co_return Error{Code::kUnavailable, "away", ""};
    told.emplace_back(ids.at(0), tags.at("facefleet:worker") + " " + tags.at("facefleet:jobs-done"));
    co_return Result<void>();
  }
  Task<Result<void>> delete_tags(std::vector<std::string>, std::map<std::string, std::optional<std::string>>) override {
    co_return Result<void>();
  }
  std::uint32_t cap() const override { return 1; }

  std::vector<std::pair<std::string, std::string>> told;
  int calls = 0;
  bool away = false;
};

class TagSelfTest : public testing::Test {
 protected:
  void run_until_calls(int count) {
    while (fleet_.calls < count && context_.run_one() > 0) {
    }
  }
  ManualClock clock_;
  asio::io_context context_;
  TaggedFleet fleet_;
  std::unique_ptr<Self> self_ = open_tag_self(context_.get_executor(), fleet_, "i-1", clock_, Log::silent(), Millis{1});
};

TEST_F(TagSelfTest, TellsTheLatestOfWhatChangedMeanwhile) {
  self_->report(WorkerState::kStarting, 0);
  self_->report(WorkerState::kIdle, 0);
  self_->report(WorkerState::kBusy, 1);
  run_until_calls(1);
  self_->report(WorkerState::kBusy, 1);
  self_->report(WorkerState::kIdle, 2);
  run_until_calls(2);
  EXPECT_EQ(fleet_.told.back(), std::pair(std::string("i-1"), std::string("idle 2")));
  EXPECT_LE(fleet_.told.size(), 2u);
}

TEST_F(TagSelfTest, WhatCouldNotBeToldIsToldAgain) {
  fleet_.away = true;
  self_->report(WorkerState::kIdle, 3);
  run_until_calls(2);
  EXPECT_TRUE(fleet_.told.empty());
  fleet_.away = false;
  run_until_calls(fleet_.calls + 1);
  EXPECT_EQ(fleet_.told.back().second, "idle 3");
}

}  // namespace
}  // namespace facefleet::fleet
