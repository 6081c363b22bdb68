// Real photos and the real model, against ONNX Runtime's numbers. `./dev build` fetches both.
#include "vision/classifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "base/file.h"

namespace facefleet::vision {
namespace {

namespace fs = std::filesystem;

ClassifierOptions options(const fs::path& cache_dir = {}) {
  ClassifierOptions out;
  out.model.name = "mobilenet_v2";
  out.model.family = "mobilenet";
  out.model.sha256 = "9ce462aace9c43217634f9d66e9d237c8ed8a5be618f9557dd7b4fd4a8ba1c28";
  out.model.file = ".deps/models/mobilenet_v2.onnx";
  out.model.dimensions = 1'000;
  out.model.classes_file = ".deps/models/imagenet_classes.txt";
  out.model.classes_sha256 = "ee4fa67b1dd46919ef87529b70e25bdd1ec9ebd350de3ad426e6640eb70320a1";
  out.cache_dir = cache_dir;
  return out;
}

Bytes photo(const std::string& name) { return read_file(fs::path(".deps/testphotos") / name).value(); }

struct Golden {
  std::string photo;
  std::vector<std::pair<std::size_t, double>> logits;  // best first
};

std::vector<Golden> read_goldens() {
  std::ifstream file("tests/golden/vision/classes.txt");
  std::vector<Golden> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    Golden golden;
    words >> golden.photo;
    std::size_t number = 0;
    for (double logit = 0; words >> number >> logit;) golden.logits.emplace_back(number, logit);
    out.push_back(std::move(golden));
  }
  return out;
}

std::vector<std::string> names() {
  std::ifstream file(".deps/models/imagenet_classes.txt");
  std::vector<std::string> out;
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

TEST(Classifier, AgreesWithOnnxRuntime) {
  const auto classifier = Classifier::open(options());
  ASSERT_TRUE(classifier) << classifier.error().message;
  EXPECT_EQ((*classifier)->version(), "mobilenet_v2@9ce462aa");
  const std::vector<Golden> goldens = read_goldens();
  const std::vector<std::string> classes = names();
  ASSERT_GE(goldens.size(), 10U);
  for (const Golden& golden : goldens) {
    const auto found = (*classifier)->classify(photo(golden.photo), 1'000);
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_EQ(found->classes.size(), 1'000U);
    EXPECT_EQ(found->classes.front().name, classes[golden.logits.front().first]) << golden.photo;
    // Scores are logits up to a sum: what is compared is how far each is behind the best.
    for (const auto& [number, logit] : golden.logits) {
      const auto same = std::ranges::find(found->classes, classes[number], &Class::name);
      ASSERT_NE(same, found->classes.end());
      const double behind = std::log(found->classes.front().score / same->score);
      // Pillow decodes whole and rounds between its two passes; we decode a large JPEG at the scale that is needed.
      EXPECT_NEAR(behind, golden.logits.front().second - logit, 0.4) << golden.photo << " " << classes[number];
    }
  }
}

TEST(Classifier, ScoresAreSharesOfOne) {
  const auto classifier = Classifier::open(options());
  ASSERT_TRUE(classifier) << classifier.error().message;
  const auto all = (*classifier)->classify(photo("people/Joe_Biden/biden.jpg"), 5'000);
  ASSERT_TRUE(all) << all.error().message;
  double sum = 0;
  for (std::size_t i = 0; i < all->classes.size(); ++i) {
    sum += all->classes[i].score;
    EXPECT_LE(all->classes[i].score, all->classes[i > 0 ? i - 1 : 0].score);
  }
  EXPECT_NEAR(sum, 1, 1e-4);
  const auto few = (*classifier)->classify(photo("people/Joe_Biden/biden.jpg"), 3);
  ASSERT_TRUE(few);
  ASSERT_EQ(few->classes.size(), 3U);
  EXPECT_EQ(few->classes[2].name, all->classes[2].name);
  EXPECT_EQ(few->classes[2].score, all->classes[2].score);
}

TEST(Classifier, WhatIsNoPictureIsRefused) {
  const auto classifier = Classifier::open(options());
  ASSERT_TRUE(classifier) << classifier.error().message;
  const auto text = (*classifier)->classify("this is no photo", 5);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().reason, "not_an_image");
}

TEST(Classifier, AListThatIsNotTheCardsIsRefused) {
  ClassifierOptions other = options();
  other.model.classes_sha256[0] = '0';
  const auto opened = Classifier::open(other);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "model_differs");
  ClassifierOptions few = options();
  few.model.dimensions = 999;
  EXPECT_FALSE(Classifier::open(few));
}

}  // namespace
}  // namespace facefleet::vision
