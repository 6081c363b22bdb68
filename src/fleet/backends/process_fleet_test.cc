#include "fleet/backends/process_fleet.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>

#include "base/file.h"
#include "base/testing.h"
#include "fleet/backends/process.h"
#include "fleet/backends/process_record.h"
#include "fleet/fleet_contract.h"
#include "fleet/self.h"

namespace facefleet::fleet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A process that runs `script` under a command line that names the instance.
Command shell(const std::string& script, const std::string& instance_id) {
  return {"/bin/sh", {"sh", "-c", script, "worker", instance_id}, {"FACEFLEET_TEST_MARK=here"}};
}

constexpr const char* kPatient = "trap 'exit 0' TERM; while :; do sleep 0.01; done";

class ProcessFleetTest : public testing::Test {
 protected:
  ~ProcessFleetTest() override {
    if (fleet_) run_task(context_, fleet_->end_all(clock_.now()));
  }

  ProcessOptions options(const std::string& script) {
    ProcessOptions options;
    options.folder = folder_.path() / "fleet";
    options.cap = 2;
    options.command = [script](const std::string& id, const std::filesystem::path&) { return shell(script, id); };
    options.on_exit = [this](const std::string& id) { exits_.push_back(id); };
    return options;
  }
  void open(ProcessOptions options) {
    fleet_ = ProcessFleet::open(context_.get_executor(), std::move(options), clock_, random_, Log::silent()).value();
  }
  std::vector<Instance> list() { return run_task(context_, fleet_->list()).value(); }
  std::vector<Instance> launch(std::uint32_t count) { return run_task(context_, fleet_->launch(count)).value(); }
  void wait_for_exits(std::size_t count) {
    while (exits_.size() < count && context_.run_one() > 0) {
    }
  }

  TemporaryFolder folder_;
  SystemClock clock_;
  SeededRandom random_{1};
  asio::io_context context_;
  std::vector<std::string> exits_;
  std::unique_ptr<ProcessFleet> fleet_;
};

TEST_F(ProcessFleetTest, ADeadWorkerIsReportedOnceWithItsReasonAndNotRestarted) {
  open(options("exit 3"));
  const std::string id = launch(1)[0].id;
  wait_for_exits(1);
  EXPECT_THAT(exits_, ElementsAre(id));
  const auto seen = list();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].state, InstanceState::kTerminated);
  EXPECT_EQ(seen[0].state_reason, "exited with status 3");
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "fleet"));
}

TEST_F(ProcessFleetTest, AKilledWorkerSaysSo) {
  open(options(kPatient));
  launch(1);
  ::kill(list()[0].pid, SIGKILL);
  wait_for_exits(1);
  EXPECT_EQ(list()[0].state_reason, "killed by signal 9");
}

TEST_F(ProcessFleetTest, AProgramThatIsNotThereEndsItsInstance) {
  auto with = options("");
  with.command = [](const std::string&, const std::filesystem::path&) { return Command{"/nonexistent", {"x"}, {}}; };
  open(with);
  launch(1);
  EXPECT_EQ(list()[0].state, InstanceState::kTerminated);
  EXPECT_THAT(list()[0].state_reason, HasSubstr("/nonexistent"));
  EXPECT_EQ(exits_.size(), 1u);
}

TEST_F(ProcessFleetTest, AnInstanceStaysPendingForTheStartDelay) {
  auto with = options(kPatient);
  with.start_delay = Millis{50};
  open(with);
  launch(2);
  EXPECT_EQ(list()[0].state, InstanceState::kPending);
  EXPECT_EQ(list()[0].pid, 0);
  const std::vector<std::string> first{list()[0].id};
  ASSERT_TRUE(run_task(context_, fleet_->terminate(first)));
  EXPECT_EQ(list()[0].state, InstanceState::kTerminated);
  while (list()[1].state == InstanceState::kPending && context_.run_one() > 0) {
  }
  EXPECT_EQ(list()[1].state, InstanceState::kRunning);
  EXPECT_EQ(list()[0].state, InstanceState::kTerminated);
}

TEST_F(ProcessFleetTest, ALeavingWorkerCountsAgainstTheCapUntilItHasLeft) {
  const std::string deaf = (folder_.path() / "deaf-").string();
  open(options("trap '' TERM; echo > " + deaf + "$1; while :; do sleep 0.01; done"));
  const auto launched = launch(2);
  while (!std::filesystem::exists(deaf + launched[0].id)) ::usleep(1'000);
  const std::vector<std::string> first{launched[0].id};
  ASSERT_TRUE(run_task(context_, fleet_->terminate(first)));
  EXPECT_EQ(list()[0].state, InstanceState::kShuttingDown);
  EXPECT_EQ(run_task(context_, fleet_->launch(1)).error().code, Code::kBusy);
}

TEST_F(ProcessFleetTest, AWorkerThatDoesNotLeaveInTimeIsKilled) {
  auto with = options("trap '' TERM; echo > " + (folder_.path() / "deaf").string() + "; while :; do sleep 0.01; done");
  with.stop_grace = Millis{20};
  open(with);
  const std::vector<std::string> all{launch(1)[0].id};
  while (!std::filesystem::exists(folder_.path() / "deaf")) ::usleep(1'000);
  ASSERT_TRUE(run_task(context_, fleet_->terminate(all)));
  wait_for_exits(1);
  EXPECT_EQ(list()[0].state_reason, "killed by signal 9");
}

TEST_F(ProcessFleetTest, WorkersGetTheirEnvironmentAndNoDescriptorOfTheirOwner) {
  const std::string out = (folder_.path() / "seen").string();
  const int leak = ::dup(STDERR_FILENO);
  open(options("echo $FACEFLEET_TEST_MARK > " + out + "; [ -e /proc/$$/fd/" + std::to_string(leak) +
               " ] && echo leaked >> " + out));
  launch(1);
  wait_for_exits(1);
  EXPECT_GT(leak, 2);
  EXPECT_EQ(read_file(out).value(), "here\n");
  ::close(leak);
}

TEST_F(ProcessFleetTest, ListShowsWhatAWorkerSaysOfItself) {
  open(options(kPatient));
  const std::string id = launch(1)[0].id;
  EXPECT_EQ(list()[0].worker, WorkerState::kUnknown);
  const auto self = open_status_file(folder_.path() / "fleet" / (id + ".status"), id, clock_).value();
  self->report(WorkerState::kBusy, 7);
  EXPECT_EQ(list()[0].worker, WorkerState::kBusy);
  EXPECT_EQ(list()[0].jobs_done, 7);
  EXPECT_LE(list()[0].worker_since_ms, clock_.wall_ms());
}

TEST_F(ProcessFleetTest, ARestartedOwnerAdoptsWhatRuns) {
  open(options(kPatient));
  launch(2);
  const auto before = list();
  fleet_.reset();
  open(options(kPatient));
  const auto after = list();
  ASSERT_EQ(after.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(after[i].id, before[i].id);
    EXPECT_EQ(after[i].name, before[i].name);
    EXPECT_EQ(after[i].pid, before[i].pid);
    EXPECT_EQ(after[i].state, InstanceState::kRunning);
  }
  EXPECT_EQ(run_task(context_, fleet_->launch(1)).error().code, Code::kBusy);
  ::kill(after[0].pid, SIGKILL);
  wait_for_exits(1);
  EXPECT_THAT(exits_, ElementsAre(after[0].id));
}

TEST_F(ProcessFleetTest, ARestartedOwnerNoticesWhoDied) {
  open(options(kPatient));
  const std::string id = launch(1)[0].id;
  const int pid = list()[0].pid;
  fleet_.reset();
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  open(options(kPatient));
  wait_for_exits(1);
  EXPECT_THAT(exits_, ElementsAre(id));
  EXPECT_EQ(list()[0].state, InstanceState::kTerminated);
  EXPECT_THAT(list()[0].state_reason, HasSubstr("owner was away"));
}

TEST_F(ProcessFleetTest, AProcessThatOnlyHasThePidOfAWorkerIsNotAdopted) {
  std::filesystem::create_directories(folder_.path() / "fleet");
  ProcessRecord record;
  record.instance.id = "i-1";
  record.instance.state = InstanceState::kRunning;
  record.instance.pid = ::getpid();
  record.start_ticks = start_ticks(::getpid()).value();
  record.arguments = {"sh", "-c", "another", "command"};
  ASSERT_TRUE(write_record(folder_.path() / "fleet" / "i-1.json", record));
  open(options(kPatient));
  wait_for_exits(1);
  EXPECT_EQ(list()[0].state, InstanceState::kTerminated);
}

TEST_F(ProcessFleetTest, AWorkerWhosePidWasNeverWrittenIsFoundByItsCommandLine) {
  open(options(kPatient));
  const std::string id = launch(1)[0].id;
  const int pid = list()[0].pid;
  while (read_file("/proc/" + std::to_string(pid) + "/cmdline").value().empty())
    ::usleep(1'000);  // it is being started
  fleet_.reset();
  auto records = read_records(folder_.path() / "fleet");
  ASSERT_EQ(records.size(), 1u);
  records[0].instance.pid = 0;
  records[0].start_ticks = 0;
  ASSERT_TRUE(write_record(folder_.path() / "fleet" / (id + ".json"), records[0]));
  open(options(kPatient));
  EXPECT_EQ(list()[0].pid, pid);
}

TEST_F(ProcessFleetTest, AnUnreadableRecordIsDropped) {
  std::filesystem::create_directories(folder_.path() / "fleet");
  std::ofstream(folder_.path() / "fleet" / "i-1.json") << "{\"id\": 7";
  open(options(kPatient));
  EXPECT_TRUE(list().empty());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "fleet"));
}

TEST_F(ProcessFleetTest, TerminatedInstancesAreForgottenAfterAWhile) {
  auto with = options("exit 0");
  with.terminated_kept = Millis{0};
  open(with);
  launch(1);
  wait_for_exits(1);
  EXPECT_TRUE(list().empty());
}

TEST_F(ProcessFleetTest, OnlyTheNewestTerminatedInstancesAreKept) {
  open(options("exit 0"));
  for (std::size_t round = 1; round <= 70; ++round) {
    launch(1);
    wait_for_exits(round);
  }
  const auto seen = list();
  EXPECT_EQ(seen.size(), 64u);
  EXPECT_EQ(seen.back().id, exits_.back());
}

TEST_F(ProcessFleetTest, EndAllDrainsAndRefusesLaunches) {
  open(options(kPatient));
  launch(2);
  ::usleep(50'000);  // the shells set their traps
  run_task(context_, fleet_->end_all(clock_.now() + std::chrono::seconds(10)));
  for (const Instance& instance : list()) EXPECT_EQ(instance.state_reason, "exited with status 0");
  EXPECT_EQ(run_task(context_, fleet_->launch(1)).error().code, Code::kBusy);
}

TEST_F(ProcessFleetTest, APoolIsThereStoppedFromTheStart) {
  auto with = options(kPatient);
  with.pool = 11;
  open(with);
  const auto pool = list();
  ASSERT_EQ(pool.size(), 11u);
  EXPECT_EQ(pool[9].name, "app-tier-instance-10");
  EXPECT_EQ(pool[10].state, InstanceState::kStopped);
  const std::vector<std::string> two{pool[1].id, pool[2].id}, third{pool[0].id};
  ASSERT_TRUE(run_task(context_, fleet_->start(two)));
  EXPECT_EQ(run_task(context_, fleet_->start(third)).error().reason, "capacity");
  EXPECT_EQ(list().size(), 11u);
}

TEST_F(ProcessFleetTest, APoolOutlivesItsOwnerAndIsFilledUpAgain) {
  auto with = options(kPatient);
  with.pool = 3;
  open(with);
  const auto before = list();
  const std::vector<std::string> first{before[0].id}, second{before[1].id};
  ASSERT_TRUE(run_task(context_, fleet_->start(first)));
  ASSERT_TRUE(run_task(context_, fleet_->terminate(second)));
  ASSERT_TRUE(run_task(context_, fleet_->create_tags(first, Tags{{"colour", "red"}})));
  const auto started = list();
  const int pid = std::ranges::find(started, first[0], &Instance::id)->pid;
  ASSERT_NE(pid, 0);
  fleet_.reset();
  open(with);
  std::map<std::string, Instance> after;
  for (const Instance& instance : list()) after.emplace(instance.name, instance);
  ASSERT_EQ(after.size(), 3u);
  EXPECT_EQ(after.at("app-tier-instance-1").pid, pid);
  EXPECT_EQ(after.at("app-tier-instance-1").tags.at("colour"), "red");
  EXPECT_NE(after.at("app-tier-instance-2").id, before[1].id);
  EXPECT_EQ(after.at("app-tier-instance-3").id, before[2].id);
  EXPECT_EQ(after.at("app-tier-instance-3").state, InstanceState::kStopped);
}

TEST_F(ProcessFleetTest, AWorkerOfThePoolThatDiesIsStoppedWithItsReason) {
  auto with = options("exit 3");
  with.pool = 1;
  open(with);
  const std::vector<std::string> all{list()[0].id};
  for (std::size_t round = 1; round <= 2; ++round) {
    ASSERT_TRUE(run_task(context_, fleet_->start(all)));
    wait_for_exits(round);
    EXPECT_EQ(list()[0].state, InstanceState::kStopped);
    EXPECT_EQ(list()[0].state_reason, "exited with status 3");
  }
}

TEST_F(ProcessFleetTest, AnotherProfilesPoolDoesNotStay) {
  auto with = options(kPatient);
  with.pool = 2;
  open(with);
  fleet_.reset();
  with.pool = 0;
  open(with);
  EXPECT_TRUE(list().empty());
}

TEST_F(ProcessFleetTest, APendingInstanceDoesNotStopAndOneOfThePoolIsStoppedByEndAll) {
  auto with = options(kPatient);
  with.start_delay = Millis{60'000};
  with.pool = 1;
  open(with);
  const std::vector<std::string> all{list()[0].id};
  ASSERT_TRUE(run_task(context_, fleet_->start(all)));
  EXPECT_EQ(list()[0].state, InstanceState::kPending);
  EXPECT_EQ(run_task(context_, fleet_->stop(all)).error().reason, "state");
  run_task(context_, fleet_->end_all(clock_.now()));
  EXPECT_EQ(list()[0].state, InstanceState::kStopped);
  EXPECT_EQ(run_task(context_, fleet_->start(all)).error().code, Code::kBusy) << "it is closing";
}

class ProcessFleetUnderTest final : public FleetUnderTest {
 public:
  ProcessFleetUnderTest() {
    ProcessOptions options;
    options.folder = folder_.path() / "fleet";
    options.cap = kContractCap;
    options.command = [](const std::string& id, const std::filesystem::path&) { return shell(kPatient, id); };
    fleet_ = ProcessFleet::open(context_.get_executor(), std::move(options), clock_, random_, Log::silent()).value();
  }
  ~ProcessFleetUnderTest() override { run_task(context_, fleet_->end_all(clock_.now())); }
  asio::io_context& context() override { return context_; }
  Fleet& fleet() override { return *fleet_; }

 private:
  TemporaryFolder folder_;
  SystemClock clock_;
  SeededRandom random_{1};
  asio::io_context context_;
  std::unique_ptr<ProcessFleet> fleet_;
};

std::unique_ptr<FleetUnderTest> make_process_fleet() { return std::make_unique<ProcessFleetUnderTest>(); }
INSTANTIATE_TEST_SUITE_P(Process, FleetContract, testing::Values(&make_process_fleet));

}  // namespace
}  // namespace facefleet::fleet
