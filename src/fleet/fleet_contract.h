// What every Fleet promises, as one suite that each backend instantiates:
//
//     INSTANTIATE_TEST_SUITE_P(Process, FleetContract, testing::Values(&make_process_fleet));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/limits.h"
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
  Result<std::vector<Instance>> launch(Launch terms) { return run_task(context(), fleet().launch(std::move(terms))); }
  Result<void> start(std::vector<std::string> ids) { return run_task(context(), fleet().start(std::move(ids))); }
  Result<void> stop(std::vector<std::string> ids) { return run_task(context(), fleet().stop(std::move(ids))); }
  Result<void> create_tags(std::vector<std::string> ids, Tags tags) {
    return run_task(context(), fleet().create_tags(std::move(ids), std::move(tags)));
  }
  Result<void> delete_tags(std::vector<std::string> ids, std::map<std::string, std::optional<std::string>> keys) {
    return run_task(context(), fleet().delete_tags(std::move(ids), std::move(keys)));
  }
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

  // One instance that has run and been stopped.
  Instance launch_and_stop() {
    const std::string id = launch(1).value()[0].id;
    list_until(InstanceState::kRunning, 1);
    EXPECT_TRUE(stop({id}));
    return list_until(InstanceState::kStopped, 1).front();
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

TEST_P(FleetContract, AStoppedInstanceStartsAgainAsTheSame) {
  const Instance stopped = launch_and_stop();
  EXPECT_EQ(stopped.pid, 0);
  EXPECT_FALSE(stopped.state_reason.empty());
  ASSERT_TRUE(start({stopped.id}));
  EXPECT_NE(list()[0].state, InstanceState::kStopped);
  const auto seen = list_until(InstanceState::kRunning, 1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].id, stopped.id);
  EXPECT_EQ(seen[0].name, stopped.name);
}

TEST_P(FleetContract, StartingAndStoppingTwiceIsTheSameAsOnce) {
  const Instance stopped = launch_and_stop();
  ASSERT_TRUE(stop({stopped.id}));
  EXPECT_EQ(list()[0].state, InstanceState::kStopped);
  ASSERT_TRUE(start({stopped.id, stopped.id}));
  list_until(InstanceState::kRunning, 1);
  ASSERT_TRUE(start({stopped.id}));
  ASSERT_TRUE(stop({stopped.id}));
  ASSERT_TRUE(stop({stopped.id}));
  list_until(InstanceState::kStopped, 1);
}

TEST_P(FleetContract, TheCapLeavesStoppedOnesOutUntilTheyStart) {
  const Instance stopped = launch_and_stop();
  const auto others = launch(kContractCap + 1).value();
  ASSERT_EQ(others.size(), kContractCap);
  for (const Instance& other : others) EXPECT_NE(other.name, stopped.name) << "a stopped instance keeps its name";
  const auto refused = start({stopped.id});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_EQ(refused.error().reason, "capacity");
  list_until(InstanceState::kRunning, kContractCap);
  list_until(InstanceState::kStopped, 1);
}

TEST_P(FleetContract, WhatHasEndedNeitherStartsNorStops) {
  const Instance stopped = launch_and_stop();
  ASSERT_TRUE(terminate({stopped.id}));
  list_until(InstanceState::kTerminated, 1);
  for (const Result<void>& refused : {start({stopped.id}), stop({stopped.id})}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kConflict);
    EXPECT_EQ(refused.error().reason, "state");
  }
}

TEST_P(FleetContract, AnUnknownIdStartsStopsAndTagsNothing) {
  const std::string unknown = "i-0123456789abcdef0";
  const Instance stopped = launch_and_stop();
  EXPECT_EQ(start({stopped.id, unknown}).error().code, Code::kNotFound);
  EXPECT_EQ(create_tags({stopped.id, unknown}, {{"colour", "red"}}).error().code, Code::kNotFound);
  EXPECT_EQ(list()[0].state, InstanceState::kStopped);
  EXPECT_TRUE(list()[0].tags.empty() || !list()[0].tags.contains("colour"));
  const std::string running = launch(1).value()[0].id;
  list_until(InstanceState::kRunning, 1);
  EXPECT_EQ(stop({running, unknown}).error().code, Code::kNotFound);
  list_until(InstanceState::kRunning, 1);
}

TEST_P(FleetContract, LaunchesNoFewerThanAreNeeded) {
  Launch launch_five;
  launch_five.count = launch_five.at_least = kContractCap + 1;
  const auto refused = launch(launch_five);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_EQ(refused.error().reason, "capacity");
  launch_five.at_least = kContractCap;
  EXPECT_EQ(launch(launch_five).value().size(), kContractCap);
}

TEST_P(FleetContract, ATokenLaunchesOnce) {
  Launch terms;
  terms.count = 2;
  terms.token = "a token of the test";
  const auto first = launch(terms).value();
  const auto again = launch(terms).value();
  ASSERT_EQ(first.size(), 2u);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].id, first[0].id);
  EXPECT_EQ(again[1].id, first[1].id);
  terms.count = 1;
  const auto other = launch(terms);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConflict);
  EXPECT_EQ(other.error().reason, "token");
  terms.token = "another";
  EXPECT_EQ(launch(terms).value().size(), 1u);
}

TEST_P(FleetContract, TagsAreSetAtLaunchAndLater) {
  Launch terms;
  terms.tags = {{"Name", "app-tier-instance-seven"}, {"colour", "red"}};
  const std::string id = launch(terms).value()[0].id;
  list_until(InstanceState::kRunning, 1);
  ASSERT_TRUE(create_tags({id}, {{"colour", "blue"}, {"size", "large"}}));
  EXPECT_EQ(list()[0].name, "app-tier-instance-seven");
  EXPECT_EQ(list()[0].tags.at("colour"), "blue");
  EXPECT_EQ(list()[0].tags.at("size"), "large");
  ASSERT_TRUE(delete_tags({id}, {{"colour", "red"}, {"size", std::nullopt}, {"none", std::nullopt}}));
  EXPECT_EQ(list()[0].tags.at("colour"), "blue") << "it has another value";
  EXPECT_FALSE(list()[0].tags.contains("size"));
  ASSERT_TRUE(create_tags({id}, {{"Name", "app-tier-instance-eight"}}));
  EXPECT_EQ(list()[0].name, "app-tier-instance-eight");
}

TEST_P(FleetContract, AnInstanceHasNoMoreTagsThanEc2Allows) {
  const std::string id = launch(1).value()[0].id;
  list_until(InstanceState::kRunning, 1);
  Tags tags;
  for (std::size_t i = 0; i < limits::kInstanceTags; ++i) tags.emplace("t" + std::to_string(i), "v");
  const auto refused = create_tags({id}, tags);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "tag_limit");
  EXPECT_FALSE(list()[0].tags.contains("t0"));
}

}  // namespace facefleet::fleet
