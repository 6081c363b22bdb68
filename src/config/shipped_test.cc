// The profiles and model cards that ship must read without an error.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "config/model_card.h"
#include "config/profile.h"

namespace facefleet::config {
namespace {

TEST(ShippedTest, EveryProfileReadsAndIsNamedAsItsFile) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("profiles")) {
    const auto loaded = load_profile(entry.path());
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->profile.name, entry.path().stem().string());
    names.insert(loaded->profile.name);
  }
  for (const char* name : {"default", "course-2024", "course-2025", "s0-stopped-pool-20", "s1-difference-19",
                           "s2-self-terminating-19", "s3-name-only-15", "s4-classify-20", "course-2021", "lesson"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST(ShippedTest, EveryModelCardReadsAndTheDefaultsAreThere) {
  const auto cards = load_model_cards("models");
  ASSERT_TRUE(cards) << cards.error().message;
  const Profile defaults;
  EXPECT_TRUE(find_model_card(*cards, defaults.vision_detector));
  EXPECT_TRUE(find_model_card(*cards, defaults.vision_embedder));
  const auto missing = find_model_card(*cards, "nobody");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("sface"), std::string::npos);
}

TEST(ShippedTest, AFolderWithoutCardsSaysWhatToDo) {
  const auto cards = load_model_cards("profiles/none");
  ASSERT_FALSE(cards);
  EXPECT_EQ(cards.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace facefleet::config
