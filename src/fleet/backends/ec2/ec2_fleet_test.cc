// Requests, and answers as EC2's API reference shows them.
#include "fleet/backends/ec2/ec2_fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/test_service.h"

namespace facefleet::fleet {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string tag(const std::string& key, const std::string& value) {
  return "<item><key>" + key + "</key><value>" + value + "</value></item>";
}

std::string instance(const std::string& id, int state, const std::string& tags, const std::string& launched) {
  return "<item><instanceId>" + id + "</instanceId><imageId>ami-1</imageId><instanceState><code>" +
         std::to_string(state) + "</code><name>x</name></instanceState><reason/><instanceType>t2.micro</instanceType>" +
         "<launchTime>" + launched + "</launchTime><tagSet>" + tags + "</tagSet></item>";
}

std::string described(const std::string& instances, const std::string& next = "") {
  return R"(<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>8f7724cf</requestId>
<reservationSet><item><reservationId>r-1</reservationId><ownerId>1</ownerId><groupSet/><instancesSet>)" +
         instances + "</instancesSet></item></reservationSet>" +
         (next.empty() ? "" : "<nextToken>" + next + "</nextToken>") + "</DescribeInstancesResponse>";
}

std::string launched(const std::string& instances) {
  return R"(<RunInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>59dbff89</requestId>
<reservationId>r-2</reservationId><ownerId>1</ownerId><groupSet/><instancesSet>)" +
         instances + "</instancesSet></RunInstancesResponse>";
}

std::string error_body(const std::string& code) {
  return "<?xml version=\"1.0\"?><Response><Errors><Error><Code>" + code +
         "</Code><Message>words</Message></Error></Errors><RequestID>ea966190</RequestID></Response>";
}

class Ec2FleetTest : public testing::Test {
 protected:
  Ec2FleetTest() {
    Ec2Options options;
    options.name_prefix = "app-";
    options.system = "s1";
    options.image_id = "ami-7";
    options.cap = 3;
    fleet_ = open_ec2_fleet(*client_, options, clock_, random_);
  }

  const std::string& body(std::size_t index) const { return service_.requests().at(index).body; }
  const std::string& last_body() const { return service_.requests().back().body; }

  aws::TestService service_;
  ManualClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<aws::Client> client_ = service_.open_client("ec2");
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(Ec2FleetTest, ListsAllPagesOldestFirst) {
  service_.answer(
      200, described(instance("i-2", 16, tag("Name", "app-2") + tag("facefleet:system", "s1"), "2026-01-01T00:00:02Z"),
                     "more"));
  service_.answer(200, described(instance("i-1", 0x0110,  // the high byte means nothing to us
                                          tag("Name", "app-1") + tag("facefleet:worker", "busy") +
                                              tag("facefleet:worker-since", "1767225605000") +
                                              tag("facefleet:jobs-done", "12") + tag("facefleet:pid", "77"),
                                          "2026-01-01T00:00:01Z") +
                                 instance("i-9", 16, tag("Name", "app-3") + tag("facefleet:system", "another"),
                                          "2026-01-01T00:00:03Z")));
  const auto instances = service_.run(fleet_->list());
  ASSERT_TRUE(instances) << instances.error().message;
  ASSERT_EQ(instances->size(), 2u);
  const Instance& first = instances->front();
  EXPECT_EQ(first.id, "i-1");
  EXPECT_EQ(first.name, "app-1");
  EXPECT_EQ(first.state, InstanceState::kRunning);
  EXPECT_EQ(first.worker, WorkerState::kBusy);
  EXPECT_EQ(first.worker_since_ms, 1'767'225'605'000);
  EXPECT_EQ(first.jobs_done, 12);
  EXPECT_EQ(first.pid, 77);
  EXPECT_TRUE(first.tags.empty());
  EXPECT_EQ(first.launched_ms, 1'767'225'601'000);
  EXPECT_EQ(instances->back().tags.at("facefleet:system"), "s1");
  EXPECT_EQ(body(0),
            "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3AName&Filter.1.Value.1=app-%2A"
            "&MaxResults=1000");
  EXPECT_THAT(body(1), HasSubstr("&NextToken=more"));
}

TEST_F(Ec2FleetTest, LaunchesWhatTheCapAllowsAndNumbersThem) {
  const std::string live = instance("i-1", 16, tag("Name", "app-1"), "2026-01-01T00:00:01Z") +
                           instance("i-0", 48, tag("Name", "app-2"), "2026-01-01T00:00:00Z");
  service_.answer(200, described(live));
  service_.answer(200, launched(instance("i-2", 0, tag("Name", "app-"), "2026-01-01T00:00:02Z") +
                                instance("i-3", 0, tag("Name", "app-"), "2026-01-01T00:00:02Z")));
  service_.answer(200, "<CreateTagsResponse><return>true</return></CreateTagsResponse>");
  service_.answer(200, "<CreateTagsResponse><return>true</return></CreateTagsResponse>");
  const auto instances = service_.run(fleet_->launch(5));
  ASSERT_TRUE(instances) << instances.error().message;
  ASSERT_EQ(instances->size(), 2u);
  EXPECT_EQ(instances->at(0).name, "app-2");
  EXPECT_EQ(instances->at(1).name, "app-3");
  EXPECT_THAT(body(1), StartsWith("Action=RunInstances&Version=2016-11-15&ImageId=ami-7&InstanceType=t2.micro"
                                  "&MinCount=1&MaxCount=2&ClientToken="));
  EXPECT_THAT(body(1), EndsWith("&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name"
                                "&TagSpecification.1.Tag.1.Value=app-&TagSpecification.1.Tag.2.Key=facefleet%3Asystem"
                                "&TagSpecification.1.Tag.2.Value=s1"));
  EXPECT_EQ(body(2), "Action=CreateTags&Version=2016-11-15&ResourceId.1=i-2&Tag.1.Key=Name&Tag.1.Value=app-2");
}

TEST_F(Ec2FleetTest, NamesThatTheServiceGaveStay) {
  service_.answer(200, described(""));
  service_.answer(200, launched(instance("i-2", 0, tag("Name", "app-9"), "2026-01-01T00:00:02Z")));
  EXPECT_EQ(service_.run(fleet_->launch(1))->at(0).name, "app-9");
  EXPECT_EQ(service_.requests().size(), 2u);
}

TEST_F(Ec2FleetTest, WhatEc2DoesNotListYetCounts) {
  service_.answer(200, described(""));
  service_.answer(200, launched(instance("i-1", 0, tag("Name", "app-1"), "2026-01-01T00:00:01Z") +
                                instance("i-2", 0, tag("Name", "app-2"), "2026-01-01T00:00:01Z") +
                                instance("i-3", 0, tag("Name", "app-3"), "2026-01-01T00:00:01Z")));
  ASSERT_TRUE(service_.run(fleet_->launch(3)));
  service_.answer(200, described(instance("i-1", 16, tag("Name", "app-1"), "2026-01-01T00:00:01Z")));
  const auto refused = service_.run(fleet_->launch(1));
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_EQ(refused.error().reason, "capacity");
  clock_.advance(Millis{60'001});  // EC2 never came to list them
  service_.answer(200, described(instance("i-1", 16, tag("Name", "app-1"), "2026-01-01T00:00:01Z")));
  EXPECT_EQ(service_.run(fleet_->list())->size(), 1u);
}

TEST_F(Ec2FleetTest, NoCapacityIsBusy) {
  for (const char* code : {"InsufficientInstanceCapacity", "InstanceLimitExceeded"}) {
    service_.answer(200, described(""));
    service_.answer(500, error_body(code));
    const auto refused = service_.run(fleet_->launch(1));
    EXPECT_EQ(refused.error().code, Code::kBusy);
    EXPECT_EQ(refused.error().reason, "capacity");
    clock_.advance(Millis{1'001});
  }
  EXPECT_EQ(service_.run(fleet_->launch(0)).error().code, Code::kInvalidInput);
}

TEST_F(Ec2FleetTest, LaunchesWithAllThatTheProfileSays) {
  Ec2Options options;
  options.cap = 1;
  options.image_id = "ami-7";
  options.instance_type = "c7i.large";
  options.key_name = "k";
  options.subnet_id = "subnet-1";
  options.instance_profile = "worker";
  options.security_group_ids = {"sg-1", "sg-2"};
  options.user_data = "#!/bin/sh\n";
  fleet_ = open_ec2_fleet(*client_, options, clock_, random_);
  service_.answer(200, described(""));
  service_.answer(200, launched(instance("i-2", 0, tag("Name", "app-9"), "2026-01-01T00:00:02Z")));
  ASSERT_TRUE(service_.run(fleet_->launch(1)));
  EXPECT_THAT(last_body(), HasSubstr("&InstanceType=c7i.large&KeyName=k&SubnetId=subnet-1"
                                     "&IamInstanceProfile.Name=worker&SecurityGroupId.1=sg-1&SecurityGroupId.2=sg-2"
                                     "&UserData=IyEvYmluL3NoCg%3D%3D&"));
}

TEST_F(Ec2FleetTest, ALaunchWhoseAnswerIsLostIsRepeatedWithItsToken) {
  service_.answer(200, described(""));
  service_.answer(200, "<RunInst");  // the connection broke in mid-body
  EXPECT_EQ(service_.run(fleet_->launch(2)).error().code, Code::kUnavailable);
  service_.answer(200, launched(instance("i-1", 0, tag("Name", "app-1"), "2026-01-01T00:00:01Z") +
                                instance("i-2", 0, tag("Name", "app-2"), "2026-01-01T00:00:01Z")));
  EXPECT_EQ(service_.run(fleet_->launch(1))->size(), 2u);
  EXPECT_EQ(body(2), body(1));
  service_.answer(200, launched(instance("i-3", 0, tag("Name", "app-3"), "2026-01-01T00:00:02Z")));
  EXPECT_EQ(service_.run(fleet_->launch(1))->size(), 1u);
  EXPECT_NE(last_body(), body(1));
}

TEST_F(Ec2FleetTest, WhatHasJustBeenListedIsNotAskedAgain) {
  service_.answer(200, described(instance("i-1", 80, tag("Name", "app-1"), "2026-01-01T00:00:01Z")));
  ASSERT_TRUE(service_.run(fleet_->list()));
  service_.answer(200, "<StartInstancesResponse/>");
  const std::vector<std::string> one{"i-1"};
  ASSERT_TRUE(service_.run(fleet_->start(one)));
  EXPECT_EQ(last_body(), "Action=StartInstances&Version=2016-11-15&InstanceId.1=i-1");
  EXPECT_EQ(service_.requests().size(), 2u);
}

TEST_F(Ec2FleetTest, WhatEc2DoesNotShowYetIsAsItWasTold) {
  const std::string stopped = described(instance("i-1", 80, tag("Name", "app-1"), "2026-01-01T00:00:01Z"));
  const std::string running = described(instance("i-1", 16, tag("Name", "app-1"), "2026-01-01T00:00:01Z"));
  const std::vector<std::string> one{"i-1"};
  service_.answer(200, stopped);
  service_.answer(200, "<StartInstancesResponse/>");
  ASSERT_TRUE(service_.run(fleet_->start(one)));
  service_.answer(200, stopped);
  EXPECT_EQ(service_.run(fleet_->list())->at(0).state, InstanceState::kPending);
  service_.answer(200, running);
  EXPECT_EQ(service_.run(fleet_->list())->at(0).state, InstanceState::kRunning);
  service_.answer(200,
                  "<StopInstancesResponse><instancesSet><item><instanceId>i-1</instanceId><currentState><code>64"
                  "</code></currentState></item></instancesSet></StopInstancesResponse>");
  ASSERT_TRUE(service_.run(fleet_->stop(one)));
  service_.answer(200, running);
  EXPECT_EQ(service_.run(fleet_->list())->at(0).state, InstanceState::kStopping);
  clock_.advance(Millis{10'001});  // somebody else has started it again, or it never heard
  service_.answer(200, running);
  EXPECT_EQ(service_.run(fleet_->list())->at(0).state, InstanceState::kRunning);
}

TEST_F(Ec2FleetTest, StartsNoMoreThanTheCapAllows) {
  service_.answer(200, described(instance("i-1", 16, tag("Name", "app-1"), "2026-01-01T00:00:01Z") +
                                 instance("i-2", 64, tag("Name", "app-2"), "2026-01-01T00:00:01Z") +
                                 instance("i-3", 80, tag("Name", "app-3"), "2026-01-01T00:00:01Z") +
                                 instance("i-4", 80, tag("Name", "app-4"), "2026-01-01T00:00:01Z")));
  const std::vector<std::string> both{"i-3", "i-4"}, one{"i-4"};
  EXPECT_EQ(service_.run(fleet_->start(both)).error().reason, "capacity");
  service_.answer(500, error_body("InsufficientInstanceCapacity"));
  EXPECT_EQ(service_.run(fleet_->start(one)).error().reason, "capacity");
  service_.answer(400, error_body("IncorrectInstanceState"));
  EXPECT_EQ(service_.run(fleet_->start(one)).error().reason, "state");
}

TEST_F(Ec2FleetTest, TerminatesEachOnce) {
  service_.answer(200, "<TerminateInstancesResponse/>");
  EXPECT_TRUE(service_.run(fleet_->terminate({"i-2", "i-1", "i-2"})));
  EXPECT_EQ(last_body(), "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2");
  service_.answer(400, error_body("InvalidInstanceID.NotFound"));
  EXPECT_EQ(service_.run(fleet_->terminate({"i-9"})).error().code, Code::kNotFound);
  service_.answer(400, error_body("InvalidInstanceID.Malformed"));
  EXPECT_EQ(service_.run(fleet_->terminate({"x"})).error().code, Code::kNotFound);
  EXPECT_TRUE(service_.run(fleet_->terminate({})));
}

TEST_F(Ec2FleetTest, NonsenseIsAnUnavailableService) {
  service_.answer(200, "nonsense");
  EXPECT_EQ(service_.run(fleet_->list()).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace facefleet::fleet
