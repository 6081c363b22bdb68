// What every Fleet promises, as one suite that each backend instantiates:
//
//     INSTANTIATE_TEST_SUITE_P(Process, FleetContract, testing::Values(&make_process_fleet));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/testing.h"
#include "fleet/fleet.h"

namespace facefleet::fleet {

// A fleet with nothing in it and whatever must live beside it.
class FleetUnderTest {
 public:
  virtual ~FleetUnderTest() = default;
  virtual asio::io_context& context() = 0;
  virtual Fleet& fleet() = 0;  // of cap kContractCap, whose workers run until they are told to leave
};
inline constexpr std::uint32_t kContractCap = 3;

class FleetContract : public testing::TestWithParam<std::unique_ptr<FleetUnderTest> (*)()> {
 protected:
  std::vector<Instance> list() { return run_task(context(), fleet().list()).value(); }
  Result<std::vector<Instance>> launch(std::uint32_t count) { return run_task(context(), fleet().launch(count)); }
  Result<void> terminate(std::vector<std::string> ids) {
    return run_task(context(), fleet().terminate(std::move(ids)));
  }

  // Lists until `count` instances are in `state`; fails the test when that takes longer than ten seconds.
  std::vector<Instance> list_until(InstanceState state, std::size_t count) {
    std::vector<Instance> seen;
    for (int round = 0; round < 1'000; ++round) {
      seen = list();
      const auto found = std::ranges::count(seen, state, &Instance::state);
      if (static_cast<std::size_t>(found) == count) return seen;
      run_task(context(), sleep_for(Millis{10}));
    }
    ADD_FAILURE() << "never saw " << count << " instances " << to_string(state);
    return seen;
  }

  asio::io_context& context() { return under_test_->context(); }
  Fleet& fleet() { return under_test_->fleet(); }

 private:
  std::unique_ptr<FleetUnderTest> under_test_ = GetParam()();
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FleetContract);

TEST_P(FleetContract, IsEmptyAtFirstAndSaysItsCap) {
  EXPECT_TRUE(list().empty());
  EXPECT_EQ(fleet().cap(), kContractCap);
}

TEST_P(FleetContract, LaunchedInstancesArePendingThenRunningOldestFirst) {
  const auto launched = launch(2).value();
  ASSERT_EQ(launched.size(), 2u);
  for (const Instance& instance : launched) {
    EXPECT_EQ(instance.state, InstanceState::kPending);
    EXPECT_EQ(instance.id.size(), 19u);
    EXPECT_EQ(instance.id.substr(0, 2), "i-");
    EXPECT_GT(instance.launched_ms, 0);
  }
  EXPECT_NE(launched[0].id, launched[1].id);
  const auto seen = list_until(InstanceState::kRunning, 2);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].id, launched[0].id);
  EXPECT_EQ(seen[1].id, launched[1].id);
  EXPECT_EQ(seen[0].name, "app-tier-instance-1");
  EXPECT_EQ(seen[1].name, "app-tier-instance-2");
  EXPECT_NE(seen[0].pid, 0);
}

TEST_P(FleetContract, TheCapIsNeverPassed) {
  EXPECT_EQ(launch(2).value().size(), 2u);
  EXPECT_EQ(launch(5).value().size(), kContractCap - 2u);
  const auto refused = launch(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_EQ(refused.error().reason, "capacity");
  EXPECT_EQ(list_until(InstanceState::kRunning, kContractCap).size(), kContractCap);
}

TEST_P(FleetContract, LaunchingNoneIsAnError) {
  const auto refused = launch(0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidInput);
}

TEST_P(FleetContract, TerminatedInstancesStayListedAndMakeRoom) {
  const auto launched = launch(kContractCap).value();
  list_until(InstanceState::kRunning, kContractCap);
  ASSERT_TRUE(terminate({launched[1].id}));
  const auto seen = list_until(InstanceState::kTerminated, 1);
  const auto ended = std::ranges::find(seen, launched[1].id, &Instance::id);
  ASSERT_NE(ended, seen.end());
  EXPECT_FALSE(ended->state_reason.empty());
  EXPECT_EQ(ended->pid, 0);
  const auto again = launch(1).value();
  EXPECT_EQ(again[0].name, launched[1].name);
  EXPECT_NE(again[0].id, launched[1].id);
}

TEST_P(FleetContract, TerminatingTwiceIsTheSameAsOnce) {
  const auto launched = launch(1).value();
  list_until(InstanceState::kRunning, 1);
  ASSERT_TRUE(terminate({launched[0].id}));
  ASSERT_TRUE(terminate({launched[0].id, launched[0].id}));
  list_until(InstanceState::kTerminated, 1);
  ASSERT_TRUE(terminate({launched[0].id}));
}

TEST_P(FleetContract, AnUnknownIdTerminatesNothing) {
  const auto launched = launch(1).value();
  list_until(InstanceState::kRunning, 1);
  const auto refused = terminate({launched[0].id, "i-0123456789abcdef0"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNotFound);
  EXPECT_EQ(list_until(InstanceState::kRunning, 1).size(), 1u);
}

}  // namespace facefleet::fleet
