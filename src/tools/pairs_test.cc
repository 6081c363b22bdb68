#include "tools/pairs.h"

#include <gtest/gtest.h>

#include <cmath>

namespace facefleet::tools {
namespace {

TEST(Pairs, AreRead) {
  const auto pairs = parse_pairs("2\t1\nAnn\t1\t4\nAnn\t12\tBob\t3\nEve\t2\t3\r\nEve\t1\tBob\t1234\r\n").value();
  ASSERT_EQ(pairs.size(), 4U);
  EXPECT_EQ(pairs[0].first, "Ann/Ann_0001.jpg");
  EXPECT_EQ(pairs[0].second, "Ann/Ann_0004.jpg");
  EXPECT_TRUE(pairs[0].same);
  EXPECT_EQ(pairs[1].first, "Ann/Ann_0012.jpg");
  EXPECT_EQ(pairs[1].second, "Bob/Bob_0003.jpg");
  EXPECT_FALSE(pairs[1].same);
  EXPECT_EQ(pairs[2].fold, 1U);
  EXPECT_EQ(pairs[3].second, "Bob/Bob_1234.jpg");
}

TEST(Pairs, AreRefusedWhenTheyAreNotWhatTheHeadingSays) {
  for (const std::string_view bad :
       {"", "x", "2 1", "2 1\nAnn 1 2\n", "2 1\nAnn 1 2\nAnn 1\nEve 1 2\nEve 1 Bob 2\n",
        "2 1\nAnn 1 2 3\nAnn 1 Bob 2\nEve 1 2\nEve 1 Bob 2\n", "1 1\nAnn 1 2\nAnn 1 Bob 1\n"})
    EXPECT_EQ(parse_pairs(bad).error().reason, "bad_pairs") << bad;
}

struct Made {
  std::vector<Pair> pairs;
  Similarities similarities;

  void add(std::size_t fold, bool same, std::optional<float> similarity) {
    pairs.push_back({"", "", same, fold});
    similarities.push_back(similarity);
  }
};

TEST(Pairs, ThatAreSeparableScoreFull) {
  Made made;
  for (std::size_t fold = 0; fold < 10; ++fold) {
    made.add(fold, true, 0.8F);
    made.add(fold, false, 0.1F);
  }
  const Scores scores = score(made.pairs, made.similarities);
  EXPECT_DOUBLE_EQ(scores.accuracy, 1);
  EXPECT_NEAR(scores.accuracy_se, 0, 1e-12);
  EXPECT_DOUBLE_EQ(scores.tar_at_far_01, 1);
  EXPECT_EQ(scores.pairs, 20U);
}

// Two folds. The threshold for each comes from the other: 0.5 from fold 1, 0.35 from fold 0.
TEST(Pairs, AreDecidedAtTheThresholdOfTheOtherFolds) {
  Made made;
  made.add(0, true, 0.4F);
  made.add(0, true, 0.9F);
  made.add(0, false, 0.3F);
  made.add(0, false, 0.1F);
  made.add(1, true, 0.6F);
  made.add(1, true, 0.7F);
  made.add(1, false, 0.4F);
  made.add(1, false, 0.2F);
  const Scores scores = score(made.pairs, made.similarities);
  // Fold 0 at 0.5: the true pair of 0.4 is wrong. Fold 1 at 0.35: the impostors of 0.4 are wrong.
  EXPECT_DOUBLE_EQ(scores.accuracy, 0.75);
  EXPECT_DOUBLE_EQ(scores.accuracy_se, 0);
}

TEST(Pairs, StandardErrorIsThatOfTheMeanOverFolds) {
  Made made;
  for (std::size_t fold = 0; fold < 10; ++fold)
    for (int i = 0; i < 10; ++i) {
      made.add(fold, true, fold == 0 && i == 0 ? -1.0F : 0.8F);  // one of 200 is wrong, whatever the threshold
      made.add(fold, false, 0.1F);
    }
  const Scores scores = score(made.pairs, made.similarities);
  EXPECT_DOUBLE_EQ(scores.accuracy, (0.95 + 9) / 10);
  // Deviations: 0.045 once, 0.005 nine times; variance 0.00025 with nine degrees of freedom.
  EXPECT_NEAR(scores.accuracy_se, std::sqrt(0.00025 / 10), 1e-9);
}

TEST(Pairs, WithAMissAreDecidedWrongly) {
  Made made;
  for (std::size_t fold = 0; fold < 2; ++fold) {
    made.add(fold, true, 0.8F);
    made.add(fold, true, std::nullopt);
    made.add(fold, false, 0.1F);
    made.add(fold, false, std::nullopt);
  }
  const Scores scores = score(made.pairs, made.similarities);
  EXPECT_DOUBLE_EQ(scores.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(scores.tar_at_far_01, 0.5) << "no false acceptance, one of two true pairs";
}

TEST(Pairs, TarAtFarAllowsThatShareOfImpostorsAndNotOneMore) {
  Made made;
  for (int i = 0; i < 1000; ++i) made.add(0, false, static_cast<float>(i) / 1000);  // the best: 0.999, 0.998, …
  for (const float similarity : {0.9985F, 0.998F, 0.995F, 0.9895F, 0.5F}) made.add(0, true, similarity);
  EXPECT_DOUBLE_EQ(tar_at_far(made.pairs, made.similarities, 0.001), 0.2) << "above 0.998, the second best impostor";
  EXPECT_DOUBLE_EQ(tar_at_far(made.pairs, made.similarities, 0.01), 0.8) << "above 0.989, the eleventh";
  EXPECT_DOUBLE_EQ(tar_at_far(made.pairs, made.similarities, 1), 1);
}

}  // namespace
}  // namespace facefleet::tools
