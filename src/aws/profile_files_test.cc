#include "aws/profile_files.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/testing.h"

namespace facefleet::aws {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(ProfileFiles, AreReadAsAwsConfigureWritesThem) {
  const auto sections = parse_profile_file(R"(# written by hand
[default]
region = eu-central-1
aws_secret_access_key=a/b+c==
; another comment
[profile "two words"]
  region = us-west-2
[profile work]
region=us-east-1
s3 =
  addressing_style = path
  endpoint_url = http://127.0.0.1:1
sqs =
  endpoint_url = http://127.0.0.1:2
output = json
)");
  ASSERT_TRUE(sections) << sections.error().message;
  EXPECT_THAT(sections->at("default"),
              UnorderedElementsAre(Pair("region", "eu-central-1"), Pair("aws_secret_access_key", "a/b+c==")));
  EXPECT_THAT(sections->at("profile work"),
              UnorderedElementsAre(Pair("region", "us-east-1"), Pair("s3.addressing_style", "path"),
                                   Pair("s3.endpoint_url", "http://127.0.0.1:1"),
                                   Pair("sqs.endpoint_url", "http://127.0.0.1:2"), Pair("output", "json")));
}

TEST(ProfileFiles, WindowsLinesAndEmptyFiles) {
  EXPECT_EQ(parse_profile_file("[default]\r\nregion = eu-central-1\r\n")->at("default").at("region"), "eu-central-1");
  EXPECT_TRUE(parse_profile_file("")->empty());
  EXPECT_TRUE(parse_profile_file("\n# nothing\n")->empty());
}

TEST(ProfileFiles, WhatIsNoneIsRefused) {
  for (const char* text : {"[default\nregion=a", "[default]\nregion", "[default]\nregion=a\nregion=b"}) {
    const auto sections = parse_profile_file(text);
    ASSERT_FALSE(sections) << text;
    EXPECT_EQ(sections.error().code, Code::kInvalidInput);
  }
}

class ProfileTest : public testing::Test {
 protected:
  ProfileTest() {
    variables_["HOME"] = folder_.path();
    std::filesystem::create_directories(folder_.path() / ".aws");
  }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_.path() / name) << text; }

  Result<AwsProfile> load() {
    return load_profile([this](const std::string& name) { return variables_[name]; });
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string> variables_;
};

TEST_F(ProfileTest, WithoutFilesThereAreNoSettings) {
  const auto profile = load();
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->name, "default");
  EXPECT_TRUE(profile->settings.empty());
}

TEST_F(ProfileTest, BothFilesMakeAProfileAndTheCredentialsFileCountsFirst) {
  write(".aws/config",
        "[profile work]\nregion=us-east-1\naws_access_key_id=CONFIG\nservices=local\n"
        "[services local]\nsqs =\n  endpoint_url = http://127.0.0.1:2\n"
        "[profile other]\nregion=x\n");
  write(".aws/credentials", "[work]\naws_access_key_id=KEY\n");
  variables_["AWS_PROFILE"] = "work";
  const auto profile = load();
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->get("region"), "us-east-1");
  EXPECT_EQ(profile->get("aws_access_key_id"), "KEY");
  EXPECT_EQ(profile->get("services.sqs.endpoint_url"), "http://127.0.0.1:2");
  EXPECT_EQ(profile->get("none"), "");
}

TEST_F(ProfileTest, FilesMayBeElsewhere) {
  write("c", "[default]\nregion=us-east-1\n");
  write("k", "[default]\naws_access_key_id=KEY\n");
  variables_["AWS_CONFIG_FILE"] = "~/c";
  variables_["AWS_SHARED_CREDENTIALS_FILE"] = folder_.path() / "k";
  EXPECT_EQ(load()->get("region"), "us-east-1");
  EXPECT_EQ(load()->get("aws_access_key_id"), "KEY");
}

TEST_F(ProfileTest, AProfileThatIsNotThereIsNamed) {
  write(".aws/config", "[profile work]\nregion=us-east-1\n");
  variables_["AWS_PROFILE"] = "play";
  EXPECT_EQ(load().error().code, Code::kInvalidInput);
  EXPECT_THAT(load().error().message, HasSubstr("'play'"));
}

TEST_F(ProfileTest, AFileThatIsNoneIsNamed) {
  write(".aws/config", "region\n");
  EXPECT_THAT(load().error().message, HasSubstr(".aws/config: "));
}

}  // namespace
}  // namespace facefleet::aws
