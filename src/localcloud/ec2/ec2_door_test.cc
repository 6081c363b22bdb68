#include "localcloud/ec2/ec2_door.h"

#include <gmock/gmock.h>

#include "aws/xml.h"
#include "base/file.h"
#include "localcloud/doors_under_test.h"
#include "localcloud/ec2/filters.h"

namespace facefleet::localcloud::ec2 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Ec2DoorTest : public testing::Test {
 protected:
  net::HttpResponse call(const std::string& form) { return doors_.query("ec2", "Version=2016-11-15&Action=" + form); }
  static std::vector<std::string> described(const net::HttpResponse& answer, const std::string& path) {
    std::vector<std::string> found;
    const auto document = aws::XmlDocument::parse(answer.body).value();
    for (const aws::XmlElement& reservation : document.root().at("reservationSet").children("item"))
      for (const aws::XmlElement& instance : reservation.at("instancesSet").children("item"))
        found.emplace_back(instance.text(path));
    return found;
  }
  std::vector<std::string> run(int count) {
    std::vector<std::string> ids;
    const auto launched = call("RunInstances&ImageId=ami-1&MinCount=1&MaxCount=" + std::to_string(count));
    EXPECT_EQ(launched.status, 200) << launched.body;
    const auto document = aws::XmlDocument::parse(launched.body).value();
    for (const aws::XmlElement& instance : document.root().at("instancesSet").children("item")) {
      ids.emplace_back(instance.text("instanceId"));
      EXPECT_EQ(instance.text("instanceState/name"), "pending");
    }
    return ids;
  }
  static void expect_error(const net::HttpResponse& answer, int status, const std::string& code,
                           const std::string& message = {}) {
    const auto document = aws::XmlDocument::parse(answer.body).value();
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(document.root().name(), "Response");
    EXPECT_EQ(document.root().text("Errors/Error/Code"), code);
    EXPECT_THAT(std::string(document.root().text("Errors/Error/Message")), HasSubstr(message));
  }
  // A stopped process acts on no SIGTERM until it is told to go on.
  static void freeze(int pid) {
    ::kill(pid, SIGSTOP);
    const std::string status = "/proc/" + std::to_string(pid) + "/status";
    while (read_file(status).value().find("State:\tT") == std::string::npos) ::usleep(1'000);
  }
  DoorsUnderTest doors_;
};

TEST_F(Ec2DoorTest, InstancesAreTheFleets) {
  const auto ids = run(2);
  ASSERT_EQ(ids.size(), 2u);
  const auto all = call("DescribeInstances");
  EXPECT_EQ(described(all, "instanceId"), ids);
  EXPECT_THAT(described(all, "instanceState/name"), ElementsAre("running", "running"));
  EXPECT_THAT(described(all, "instanceState/code"), ElementsAre("16", "16"));
  EXPECT_THAT(all.body, HasSubstr("<key>Name</key><value>app-tier-instance-1</value>"));
  EXPECT_THAT(all.body, HasSubstr("<key>facefleet:worker</key><value>unknown</value>"));
  EXPECT_THAT(all.body, HasSubstr("<key>facefleet:pid</key>"));
}

TEST_F(Ec2DoorTest, FiltersNarrowAndWiden) {
  const auto ids = run(3);
  const auto filtered = [this](const std::string& filters) {
    return described(call("DescribeInstances" + filters), "tagSet/item/value");
  };
  EXPECT_THAT(filtered("&Filter.1.Name=tag%3AName&Filter.1.Value.1=app-tier-instance-%2A"),
              ElementsAre("app-tier-instance-1", "app-tier-instance-2", "app-tier-instance-3"));
  EXPECT_THAT(filtered("&Filter.1.Name=tag%3AName&Filter.1.Value.1=app-tier-instance-2"
                       "&Filter.1.Value.2=app-tier-instance-3"),
              ElementsAre("app-tier-instance-2", "app-tier-instance-3"));
  EXPECT_THAT(filtered("&Filter.1.Name=tag%3AName&Filter.1.Value.1=%2A-2"
                       "&Filter.2.Name=instance-state-name&Filter.2.Value.1=running"),
              ElementsAre("app-tier-instance-2"));
  EXPECT_THAT(filtered("&Filter.1.Name=instance-state-name&Filter.1.Value.1=Running"), IsEmpty());
  EXPECT_THAT(filtered("&Filter.1.Name=tag-key&Filter.1.Value.1=Colour"), IsEmpty());
  EXPECT_THAT(filtered("&Filter.1.Name=tag%3AColour&Filter.1.Value.1=%2A"), IsEmpty());
  EXPECT_THAT(filtered("&Filter.1.Name=instance-id&Filter.1.Value.1=" + ids[2]), ElementsAre("app-tier-instance-3"));
  expect_error(call("DescribeInstances&Filter.1.Name=colour&Filter.1.Value.1=x"), 400, "InvalidParameterValue",
               "The filter 'colour' is invalid");
}

TEST_F(Ec2DoorTest, PagesFollowEachOther) {
  DoorsUnderTest larger(7);
  larger.query("ec2", "Version=2016-11-15&Action=RunInstances&MinCount=7&MaxCount=7");
  const auto first = larger.query("ec2", "Version=2016-11-15&Action=DescribeInstances&MaxResults=5");
  EXPECT_EQ(described(first, "instanceId").size(), 5u);
  const std::string token(aws::XmlDocument::parse(first.body).value().root().text("nextToken"));
  const auto second =
      larger.query("ec2", "Version=2016-11-15&Action=DescribeInstances&MaxResults=5&NextToken=" + token);
  EXPECT_EQ(described(second, "instanceId").size(), 2u);
  EXPECT_TRUE(aws::XmlDocument::parse(second.body).value().root().text("nextToken").empty());
}

TEST_F(Ec2DoorTest, TerminatingTellsBothStates) {
  const auto ids = run(1);
  const auto answer = call("TerminateInstances&InstanceId.1=" + ids[0]);
  const auto document = aws::XmlDocument::parse(answer.body).value();
  EXPECT_EQ(document.root().text("instancesSet/item/previousState/name"), "running");
  EXPECT_EQ(document.root().text("instancesSet/item/currentState/name"), "shutting-down");
}

TEST_F(Ec2DoorTest, StoppedInstancesStartAgainAndBothStatesAreTold) {
  const auto ids = run(1);
  const int pid = run_task(doors_.context(), doors_.fleet().list()).value().at(0).pid;
  freeze(pid);  // or it might have ended before the second call
  const auto stopping = aws::XmlDocument::parse(call("StopInstances&InstanceId.1=" + ids[0]).body).value();
  EXPECT_EQ(stopping.root().name(), "StopInstancesResponse");
  EXPECT_EQ(stopping.root().text("instancesSet/item/previousState/name"), "running");
  EXPECT_EQ(stopping.root().text("instancesSet/item/currentState/name"), "stopping");
  expect_error(call("StartInstances&InstanceId.1=" + ids[0]), 400, "IncorrectInstanceState", ids[0]);
  ::kill(pid, SIGCONT);
  while (described(call("DescribeInstances"), "instanceState/name")[0] != "stopped") {
  }
  EXPECT_EQ(run(3).size(), 3u);
  expect_error(call("StartInstances&InstanceId.1=" + ids[0]), 500, "InsufficientInstanceCapacity", "has 3");
}

TEST_F(Ec2DoorTest, StatusIsOfRunningOnesUnlessAllAreAskedFor) {
  const auto ids = run(1);
  const auto states = [this](const std::string& more) {
    std::vector<std::string> found;
    const auto document = aws::XmlDocument::parse(call("DescribeInstanceStatus" + more).body).value();
    for (const aws::XmlElement& item : document.root().at("instanceStatusSet").children("item"))
      found.push_back(std::string(item.text("instanceState/name")) + " " +
                      std::string(item.text("instanceStatus/status")));
    return found;
  };
  EXPECT_THAT(states(""), ElementsAre("running initializing"));
  call("TerminateInstances&InstanceId.1=" + ids[0]);
  EXPECT_THAT(states(""), IsEmpty());
  EXPECT_THAT(states("&IncludeAllInstances=true").at(0), HasSubstr("not-applicable"));
}

TEST_F(Ec2DoorTest, TagsComeAndGo) {
  const auto ids = run(1);
  const auto tags = [this](const std::string& filters) {
    std::vector<std::string> found;
    const auto document = aws::XmlDocument::parse(call("DescribeTags" + filters).body).value();
    for (const aws::XmlElement& item : document.root().at("tagSet").children("item"))
      found.push_back(std::string(item.text("key")) + "=" + std::string(item.text("value")));
    return found;
  };
  const std::string id = "&ResourceId.1=" + ids[0];
  EXPECT_EQ(call("CreateTags" + id + "&Tag.1.Key=colour&Tag.1.Value=red&Tag.2.Key=empty").status, 200);
  EXPECT_THAT(tags("&Filter.1.Name=key&Filter.1.Value.1=colour&Filter.1.Value.2=em%2A"),
              ElementsAre("colour=red", "empty="));
  EXPECT_THAT(tags("&Filter.1.Name=value&Filter.1.Value.1=r%3Fd&Filter.2.Name=resource-id&Filter.2.Value.1=" + ids[0]),
              ElementsAre("colour=red"));
  EXPECT_EQ(call("DeleteTags" + id + "&Tag.1.Key=colour&Tag.1.Value=blue").status, 200);
  EXPECT_THAT(tags("&Filter.1.Name=key&Filter.1.Value.1=colour"), ElementsAre("colour=red"));
  EXPECT_EQ(call("DeleteTags" + id).status, 200);
  EXPECT_THAT(tags("&Filter.1.Name=key&Filter.1.Value.1=colour&Filter.1.Value.2=Name"), IsEmpty());
  expect_error(call("CreateTags&ResourceId.1=vol-1&Tag.1.Key=a"), 400, "InvalidID", "vol-1");
  expect_error(call("CreateTags" + id), 400, "MissingParameter", "Tag");
  expect_error(call("CreateTags" + id + "&Tag.1.Key=aws%3Ax"), 400, "InvalidParameterValue", "reserved");
  expect_error(call("CreateTags" + id + "&Tag.1.Key=facefleet%3Apid"), 400, "InvalidParameterValue", "reserved");
  expect_error(call("CreateTags&ResourceId.1=i-0123456789abcdef0&Tag.1.Key=a"), 400, "InvalidInstanceID.NotFound");
  std::string many;
  for (int i = 1; i <= 51; ++i) many += "&Tag." + std::to_string(i) + ".Key=t" + std::to_string(i);
  expect_error(call("CreateTags" + id + many), 400, "TagLimitExceeded");
  expect_error(call("DescribeTags&Filter.1.Name=colour&Filter.1.Value.1=x"), 400, "InvalidParameterValue", "colour");
}

TEST_F(Ec2DoorTest, ALaunchSaysWhatItIsAndHappensOnceAToken) {
  const std::string launch =
      "RunInstances&MinCount=1&MaxCount=1&ImageId=ami-0abc&InstanceType=t3.nano&ClientToken=one"
      "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name"
      "&TagSpecification.1.Tag.1.Value=mine&TagSpecification.2.ResourceType=volume"
      "&TagSpecification.2.Tag.1.Key=Name&TagSpecification.2.Tag.1.Value=disk"
      "&UserData=IyEvYmluL3NoCg%3D%3D";
  EXPECT_EQ(call(launch).status, 200);
  EXPECT_EQ(call(launch).status, 200);
  const auto all = call("DescribeInstances&Filter.1.Name=image-id&Filter.1.Value.1=ami-0abc");
  EXPECT_EQ(described(all, "instanceType"), std::vector<std::string>{"t3.nano"});
  EXPECT_THAT(all.body, HasSubstr("<key>Name</key><value>mine</value>"));
  expect_error(call(launch + "&InstanceType=t3.micro"), 400, "IdempotentParameterMismatch");
  expect_error(call("RunInstances&MinCount=1&MaxCount=1&ImageId=nonsense"), 400, "InvalidAMIID.Malformed", "nonsense");
  expect_error(call("RunInstances&MinCount=1&MaxCount=1&UserData=%21"), 400, "InvalidParameterValue", "BASE64");
}

TEST_F(Ec2DoorTest, WhatIsNotTheFleetsIsDescribedOnly) {
  fleet::Instance gateway;
  gateway.id = "i-0000000000000abcd";
  gateway.name = "web-instance";
  gateway.state = fleet::InstanceState::kRunning;
  gateway.tags = {{"facefleet:role", "gateway"}};
  doors_.others = {gateway};
  const auto found = call("DescribeInstances&Filter.1.Name=tag%3AName&Filter.1.Value.1=web-instance");
  EXPECT_EQ(described(found, "instanceState/name"), std::vector<std::string>{"running"});
  EXPECT_EQ(described(found, "ipAddress"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_THAT(found.body, testing::Not(HasSubstr("facefleet:jobs-done")));
  EXPECT_THAT(call("DescribeInstanceStatus").body, HasSubstr("<status>ok</status>"));
  for (const char* action : {"StartInstances", "StopInstances", "TerminateInstances"})
    expect_error(call(std::string(action) + "&InstanceId.1=" + gateway.id), 400, "OperationNotPermitted", "gateway");
  expect_error(call("CreateTags&Tag.1.Key=a&ResourceId.1=" + gateway.id), 400, "OperationNotPermitted", "gateway");
  EXPECT_EQ(run(3).size(), 3u) << "it takes no worker's room";
}

TEST_F(Ec2DoorTest, AnswersWhatToolsProbe) {
  EXPECT_THAT(call("DescribeRegions").body, HasSubstr("<regionName>us-east-1</regionName>"));
  expect_error(call("DescribeRegions&RegionName.1=mars-1"), 400, "InvalidParameterValue", "mars-1");
  EXPECT_THAT(call("DescribeKeyPairs").body, HasSubstr("<keySet></keySet>"));
  expect_error(call("DescribeKeyPairs&KeyName.1=k"), 400, "InvalidKeyPair.NotFound");
  EXPECT_THAT(call("DescribeImages&Owner.1=self").body, HasSubstr("<imageId>ami-00000000000000000</imageId>"));
  EXPECT_THAT(call("DescribeImages&Filter.1.Name=name&Filter.1.Value.1=ubuntu%2A").body,
              HasSubstr("<imagesSet></imagesSet>"));
  expect_error(call("DescribeImages&ImageId.1=ami-7"), 400, "InvalidAMIID.NotFound");
}

TEST_F(Ec2DoorTest, RefusesInEc2sOwnWords) {
  const auto ids = run(2);
  expect_error(call("RunInstances&MinCount=2&MaxCount=2"), 500, "InsufficientInstanceCapacity",
               "3 instances at once and has 2");
  EXPECT_EQ(run(5).size(), 1u);
  expect_error(call("RunInstances&MinCount=1&MaxCount=1"), 500, "InsufficientInstanceCapacity");
  expect_error(call("RunInstances&MaxCount=1"), 400, "MissingParameter", "MinCount");
  expect_error(call("RunInstances&MinCount=3&MaxCount=1"), 400, "InvalidParameterCombination");
  expect_error(call("RunInstances&MinCount=0&MaxCount=1"), 400, "InvalidParameterValue");
  expect_error(call("RunInstances&MinCount=1&MaxCount=1&DryRun=true"), 412, "DryRunOperation");
  expect_error(call("TerminateInstances"), 400, "MissingParameter");
  expect_error(call("TerminateInstances&InstanceId.1=" + ids[0] + "&InstanceId.2=i-0123456789abcdef0"), 400,
               "InvalidInstanceID.NotFound", "The instance ID 'i-0123456789abcdef0' does not exist");
  EXPECT_THAT(described(call("DescribeInstances&InstanceId.1=" + ids[0]), "instanceState/name"),
              ElementsAre("running"));
  expect_error(call("DescribeInstances&InstanceId.1=i-00000001&InstanceId.2=i-00000002"), 400,
               "InvalidInstanceID.NotFound", "The instance IDs 'i-00000001, i-00000002' do not exist");
  expect_error(call("DescribeInstances&InstanceId.1=nonsense"), 400, "InvalidInstanceID.Malformed", "nonsense");
  expect_error(call("DescribeInstances&MaxResults=4"), 400, "InvalidParameterValue", "between 5 and 1000");
  expect_error(call("DescribeInstances&MaxResults=5&InstanceId.1=" + ids[0]), 400, "InvalidParameterCombination");
  expect_error(call("DescribeInstances&MaxResults=5&NextToken=x"), 400, "InvalidParameterValue");
  expect_error(call("RebootInstances"), 400, "InvalidAction", "RebootInstances");
}

TEST(FilterTest, WildcardsAndEscapes) {
  EXPECT_TRUE(matches("", ""));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*c", "abbbc"));
  EXPECT_TRUE(matches("*a*b*", "xxaxxbxx"));
  EXPECT_TRUE(matches("a?c", "abc"));
  EXPECT_TRUE(matches("*ab", "aab"));
  EXPECT_TRUE(matches("a\\*", "a*"));
  EXPECT_TRUE(matches("a\\?\\\\", "a?\\"));
  EXPECT_FALSE(matches("a\\*", "ab"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_FALSE(matches("a*c", "abcd"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("a", ""));
  EXPECT_FALSE(matches("a*?", "a"));
}

}  // namespace
}  // namespace facefleet::localcloud::ec2
