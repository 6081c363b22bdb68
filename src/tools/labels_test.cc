#include "tools/labels.h"

#include <gtest/gtest.h>

namespace facefleet::tools {
namespace {

TEST(Labels, MatchBaseNamesAndStems) {
  const Labels labels = Labels::parse("Image,Results\ntest_000,Paul\ntest_001.jpg,\"Emily, A.\"\n").value();
  EXPECT_EQ(labels.of("test_000"), "Paul");
  EXPECT_EQ(labels.of("faces/test_000.jpg"), "Paul");
  EXPECT_EQ(labels.of("deep/er/test_001.jpg"), "Emily, A.");
  EXPECT_EQ(labels.of("test_001.png"), "Emily, A.") << "by its stem";
  EXPECT_EQ(labels.of("test_002.jpg"), std::nullopt);
  EXPECT_EQ(labels.of("Image.jpg"), std::nullopt) << "the heading is no photo";
}

TEST(Labels, NeedNoHeading) {
  EXPECT_EQ(Labels::parse("a.jpg,Ann\r\nb.jpg,Bob\r\n").value().of("a.jpg"), "Ann");
  EXPECT_EQ(Labels::parse("FileName, Person\na.jpg, Ann \n").value().of("a.jpg"), "Ann");
}

TEST(Labels, MatchPathsByTheirBaseName) {
  EXPECT_EQ(Labels::parse("photos/a.jpg,Ann\n").value().of("other/a.jpg"), "Ann");
}

TEST(Labels, AStemWithSeveralLabelsMatchesNothing) {
  const Labels labels = Labels::parse("a.1.jpg,Ann\na.2.jpg,Bob\n").value();
  EXPECT_EQ(labels.of("a.1.jpg"), "Ann");
  EXPECT_EQ(labels.of("a.2.jpg"), "Bob");
  EXPECT_EQ(labels.of("a.3.jpg"), std::nullopt);
}

TEST(Labels, RefuseWhatContradictsItself) {
  EXPECT_EQ(Labels::parse("a.jpg,Ann\na.jpg,Bob\n").error().reason, "two_labels");
  EXPECT_TRUE(Labels::parse("a.jpg,Ann\na.jpg,Ann\n"));
  EXPECT_EQ(Labels::parse("a.jpg\n").error().reason, "malformed_csv");
  EXPECT_EQ(Labels::parse("a.jpg,\n").error().reason, "malformed_csv");
}

TEST(Labels, StemsEndAtTheFirstDot) {
  EXPECT_EQ(stem("test_001.final.jpg"), "test_001");
  EXPECT_EQ(stem("plain"), "plain");
  EXPECT_EQ(stem(".hidden"), ".hidden");
}

}  // namespace
}  // namespace facefleet::tools
