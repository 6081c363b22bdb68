// The profiles and model cards that ship must read without an error.
#include <gtest/gtest.h>

#include <filesystem>

#include "config/model_card.h"
#include "config/profile.h"

namespace facefleet::config {
namespace {

TEST(ShippedTest, EveryProfileReadsAndIsNamedAsItsFile) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("profiles")) {
    const auto loaded = load_profile(entry.path());
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->profile.name, entry.path().stem().string());
    ++count;
  }
  EXPECT_GE(count, 2);
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
