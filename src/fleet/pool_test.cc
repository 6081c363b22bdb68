#include "fleet/pool.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/testing.h"

namespace facefleet::fleet {
namespace {

using testing::Each;
using testing::Field;
using testing::SizeIs;

// A fleet whose instances take two looks to run, and one to stop, as EC2's take a while.
class SlowFleet final : public Fleet {
 public:
  explicit SlowFleet(std::uint32_t cap) : cap_(cap) {}

  Task<Result<std::vector<Instance>>> list() override {
    for (Instance& instance : instances) {
      if (instance.state == InstanceState::kStopping) instance.state = InstanceState::kStopped;
      if (instance.state == InstanceState::kPending && ++instance.jobs_done == 2)
        instance.state = InstanceState::kRunning;
      most_live = std::max(most_live, live());
    }
    co_return instances;
  }
  Task<Result<std::vector<Instance>>> launch(Launch launch) override {
    const std::uint32_t room = cap_ - std::min(cap_, live());
    if (room == 0 || refuses) co_return Error{Code::kBusy, "no capacity", "capacity"};
    std::vector<Instance> launched;
    while (launched.size() < std::min(room, launch.count))
      launched.push_back(add(InstanceState::kPending, launch.tags));
    co_return launched;
  }
  Task<Result<void>> start(std::vector<std::string>) override { co_return Result<void>(); }
  Task<Result<void>> stop(std::vector<std::string> ids) override {
    for (Instance& instance : instances) {
      if (std::ranges::find(ids, instance.id) == ids.end()) continue;
      if (instance.state == InstanceState::kPending) co_return Error{Code::kConflict, "it is pending", "state"};
      instance.state = InstanceState::kStopping;
    }
    co_return Result<void>();
  }
  Task<Result<void>> terminate(std::vector<std::string>) override { co_return Result<void>(); }
  Task<Result<void>> create_tags(std::vector<std::string>, Tags) override { co_return Result<void>(); }
  Task<Result<void>> delete_tags(std::vector<std::string> ids,
                                 std::map<std::string, std::optional<std::string>> keys) override {
    for (Instance& instance : instances)
      if (std::ranges::find(ids, instance.id) != ids.end())
        for (const auto& [key, value] : keys) instance.tags.erase(key);
    co_return Result<void>();
  }
  std::uint32_t cap() const override { return cap_; }

  Instance& add(InstanceState state, Tags tags = {}) {
    Instance& instance = instances.emplace_back();
    instance.id = "i-" + std::to_string(instances.size());
    instance.state = state;
    instance.tags = std::move(tags);
    return instance;
  }

  std::vector<Instance> instances;
  std::uint32_t most_live = 0;
  bool refuses = false;

 private:
  std::uint32_t live() const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(instances, [](const Instance& instance) { return takes_room(instance.state); }));
  }
  const std::uint32_t cap_;
};

class Pool : public testing::Test {
 protected:
  Result<void> fill(SlowFleet& fleet, std::uint32_t size) {
    return run_task(context_, fill_pool(fleet, size, clock_, Log::silent(), Millis(1)));
  }
  asio::io_context context_;
  SystemClock clock_;
};

TEST_F(Pool, IsLaunchedAndStopped) {
  SlowFleet fleet(3);
  ASSERT_TRUE(fill(fleet, 3));
  EXPECT_THAT(fleet.instances, SizeIs(3));
  EXPECT_THAT(fleet.instances, Each(Field(&Instance::tags, testing::IsEmpty())));
  EXPECT_LE(fleet.most_live, 3u);
}

TEST_F(Pool, WhatIsThereIsLeftAlone) {
  SlowFleet fleet(3);
  fleet.add(InstanceState::kStopped);
  fleet.add(InstanceState::kRunning);
  fleet.add(InstanceState::kTerminated);
  ASSERT_TRUE(fill(fleet, 3));
  ASSERT_THAT(fleet.instances, SizeIs(4));
  EXPECT_EQ(fleet.instances[1].state, InstanceState::kRunning);
  EXPECT_LE(fleet.most_live, 3u);
}

TEST_F(Pool, GrowsUnderTheCapInTurns) {
  SlowFleet fleet(2);
  ASSERT_TRUE(fill(fleet, 5));
  EXPECT_THAT(fleet.instances, SizeIs(5));
  EXPECT_LE(fleet.most_live, 2u);
}

TEST_F(Pool, GoesOnWhereAnEarlierOneEnded) {
  SlowFleet fleet(2);
  fleet.add(InstanceState::kRunning, {{"facefleet:pool", "new"}});
  fleet.add(InstanceState::kStopped, {{"facefleet:pool", "new"}});
  ASSERT_TRUE(fill(fleet, 2));
  EXPECT_THAT(fleet.instances, SizeIs(2));
  EXPECT_NE(fleet.instances[0].state, InstanceState::kRunning);
  EXPECT_EQ(fleet.instances[1].state, InstanceState::kStopped);
  EXPECT_THAT(fleet.instances, Each(Field(&Instance::tags, testing::IsEmpty())));
}

TEST_F(Pool, WhoHasFoundWorkIsLeftToIt) {
  SlowFleet fleet(2);
  fleet.add(InstanceState::kRunning, {{"facefleet:pool", "new"}}).worker = WorkerState::kBusy;
  fleet.add(InstanceState::kRunning, {{"facefleet:pool", "new"}}).worker = WorkerState::kIdle;
  ASSERT_TRUE(fill(fleet, 2));
  EXPECT_EQ(fleet.instances[0].state, InstanceState::kRunning);
  EXPECT_NE(fleet.instances[1].state, InstanceState::kRunning);
  EXPECT_THAT(fleet.instances, Each(Field(&Instance::tags, testing::IsEmpty())));
}

TEST_F(Pool, ARefusalIsTold) {
  SlowFleet fleet(2);
  fleet.refuses = true;
  const auto filled = fill(fleet, 2);
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().reason, "capacity");
}

}  // namespace
}  // namespace facefleet::fleet
