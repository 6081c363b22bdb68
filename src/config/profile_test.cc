#include "config/profile.h"

#include <gtest/gtest.h>

namespace facefleet::config {
namespace {

TEST(ProfileTest, WhatAFileLeavesOutHasItsDefault) {
  const auto loaded = parse_profile("id = \"x\"\n[fleet]\nworkers_max = 15\n", "p.toml");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->profile.id, "x");
  EXPECT_EQ(loaded->profile.fleet_workers_max, 15);
  EXPECT_EQ(loaded->profile.gateway_reply, "text");
  EXPECT_EQ(loaded->origins.at("fleet.workers_max"), "p.toml");
  EXPECT_FALSE(loaded->origins.contains("gateway.reply"));
}

TEST(ProfileTest, AnUnknownKeyIsAnErrorThatNamesItAndItsLine) {
  const auto loaded = parse_profile("[fleet]\nworkers = 15\n", "p.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().reason, "unknown_key");
  EXPECT_NE(loaded.error().message.find("p.toml:2"), std::string::npos) << loaded.error().message;
  EXPECT_NE(loaded.error().message.find("fleet.workers"), std::string::npos) << loaded.error().message;
}

TEST(ProfileTest, AValueOfTheWrongKindOrOutOfRangeIsRefused) {
  for (const char* text : {"[fleet]\nworkers_max = \"many\"", "[fleet]\nworkers_max = 100000",
                           "[gateway]\nreply = \"xml\"", "[gateway]\nopen = 1", "[gateway]\nhosts = \"a\"", "id = 5",
                           "[worker]\nlease_s = 0", "[autoscaler]\ntick_s = nan"}) {
    const auto loaded = parse_profile(text, "p.toml");
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().reason, "bad_value") << text;
  }
}

TEST(ProfileTest, AWholeNumberMayStandForANumber) {
  const auto loaded = parse_profile("[fleet]\nstart_delay_s = 3", "p.toml");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->profile.fleet_start_delay_s, 3.0);
}

TEST(ProfileTest, BrokenTomlNamesItsLine) {
  const auto loaded = parse_profile("id = \"x\"\nid = ", "p.toml");
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("p.toml:2"), std::string::npos) << loaded.error().message;
}

TEST(ProfileTest, FlagsSetKeysAndAreNamedAsTheOrigin) {
  Loaded loaded;
  ASSERT_TRUE(set_key(loaded, "gateway.listen", "0.0.0.0:80", "--listen"));
  ASSERT_TRUE(set_key(loaded, "fleet.workers_max", "3", "--workers-max"));
  EXPECT_EQ(loaded.profile.gateway_listen, "0.0.0.0:80");
  EXPECT_EQ(loaded.profile.fleet_workers_max, 3);
  EXPECT_FALSE(set_key(loaded, "fleet.workers_max", "three", "--workers-max"));
  EXPECT_FALSE(set_key(loaded, "fleet.worker_max", "3", "--workers-max"));
  EXPECT_NE(explain(loaded).find("from --listen"), std::string::npos);
}

TEST(ProfileTest, SetTakesAnyKey) {
  Loaded loaded;
  ASSERT_TRUE(set_keys(loaded, {"fleet.start_delay_s=0.5", "names.in_bucket=a=b", "gateway.hosts=[\"x\"]"}));
  EXPECT_EQ(loaded.profile.fleet_start_delay_s, 0.5);
  EXPECT_EQ(loaded.profile.names_in_bucket, "a=b");
  EXPECT_EQ(loaded.profile.gateway_hosts, std::vector<std::string>{"x"});
  EXPECT_EQ(loaded.origins.at("fleet.start_delay_s"), "--set");
  const auto refused = set_keys(loaded, {"fleet.workers_max"});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("key=value"), std::string::npos);
  EXPECT_EQ(set_keys(loaded, {"fleet.workers=3"}).error().reason, "unknown_key");
}

TEST(ProfileTest, TomlOfAProfileReadsBackTheSame) {
  Loaded loaded;
  loaded.profile.gateway_hosts = {"a \"quoted\" host", "b"};
  loaded.profile.fleet_start_delay_s = 0.25;
  loaded.profile.gallery_chips = false;
  loaded.profile.id = "1225754101";
  const std::string text = to_toml(loaded.profile);
  const auto again = parse_profile(text, "again");
  ASSERT_TRUE(again) << again.error().message << "\n" << text;
  EXPECT_EQ(to_toml(again->profile), text);
  EXPECT_EQ(again->profile.gateway_hosts, loaded.profile.gateway_hosts);
}

}  // namespace
}  // namespace facefleet::config
