#include "load/predictions.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

namespace facefleet::load {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Result<Predictions> read(const std::string& text) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / ("facefleet_predictions_" + std::to_string(getpid()) + ".csv");
  std::ofstream(file) << text;
  auto predictions = read_predictions(file);
  std::filesystem::remove(file);
  return predictions;
}

TEST(Predictions, WithAndWithoutHeading) {
  const auto expected = ElementsAre(Pair("test_000", "Paul"), Pair("test_001", "Emily"));
  EXPECT_THAT(read("Image,Results\ntest_000,Paul\ntest_001,Emily\n").value(), expected);
  EXPECT_THAT(read("test_001.jpg,Emily\r\ntest_000.tar.jpg, Paul\r\n").value(), expected);
}

TEST(Predictions, RefusesALineWithoutLabel) {
  EXPECT_EQ(read("test_000,Paul\ntest_001\n").error().code, Code::kInvalidInput);
}

TEST(Predictions, StemEndsAtTheFirstDot) {
  EXPECT_EQ(stem("test_65.JPEG"), "test_65");
  EXPECT_EQ(stem("a.b.jpg"), "a");
  EXPECT_EQ(stem("plain"), "plain");
}

TEST(Predictions, LabelInEachFormOfReply) {
  EXPECT_EQ(label_of("test_001.jpg", "test_001:Paul"), "Paul");
  EXPECT_EQ(label_of("test_001.jpg", " test_001: no face\r\n"), "no face");
  EXPECT_EQ(label_of("test_001.jpg", "Paul\n"), "Paul");
  EXPECT_EQ(label_of("test_65.JPEG", "\"shower curtain\"\n"), "shower curtain");
  EXPECT_EQ(label_of("a.jpg", R"({"name":"a.jpg","label":"Paul"})"), "Paul");
  EXPECT_EQ(label_of("a.jpg", R"({"results":[{"label":"Paul"}]})"), "Paul");
}

TEST(Predictions, AnotherPhotosAnswerEqualsNoLabel) {
  EXPECT_EQ(label_of("test_001.jpg", "test_002:Paul"), "test_002:Paul");
  EXPECT_EQ(label_of("test_0.jpg", "test_01:Paul"), "test_01:Paul");
}

TEST(Predictions, BrokenOrForeignJsonComesBackWhole) {
  EXPECT_EQ(label_of("a.jpg", "{\"label\":"), "{\"label\":");
  EXPECT_EQ(label_of("a.jpg", "{\"label\":7}"), "{\"label\":7}");
  EXPECT_EQ(label_of("a.jpg", R"([{"label":"a"},{"label":"b"}])"), R"([{"label":"a"},{"label":"b"}])");
}

}  // namespace
}  // namespace facefleet::load
