#include "localcloud/ec2/ec2_door.h"

#include <gmock/gmock.h>

#include "aws/xml.h"
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

TEST_F(Ec2DoorTest, RefusesInEc2sOwnWords) {
  const auto ids = run(2);
  expect_error(call("RunInstances&MinCount=2&MaxCount=2"), 500, "InsufficientInstanceCapacity", "3 instances at once and has 2");
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
