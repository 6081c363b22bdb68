#include "gallery/search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "base/ids.h"
#include "gallery/testing.h"

namespace facefleet::gallery {
namespace {

const std::vector<Isa> kIsas = {Isa::kScalar, Isa::kAvx2, Isa::kVnni};

// What search_rows must give, by comparing everything.
std::vector<Match> search_by_force(const Rows& rows, const std::vector<float>& query, std::size_t persons_max) {
  std::map<std::string, float> best;
  for (std::size_t row = 0; row < rows.count; ++row) {
    const float value = similarity(rows.embeddings + row * rows.dimensions, query.data(), query.size());
    const auto [entry, added] = best.try_emplace(std::string(rows.persons.name(rows.persons.of_row(row))), value);
    if (!added) entry->second = std::max(entry->second, value);
  }
  std::vector<Match> matches;
  for (const auto& [person, value] : best) matches.push_back({person, value});
  std::ranges::stable_sort(matches, [](const Match& a, const Match& b) { return a.similarity > b.similarity; });
  matches.resize(std::min(matches.size(), persons_max));
  return matches;
}

void expect_same(const std::vector<Match>& found, const std::vector<Match>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].person, expected[i].person) << "place " << i;
    EXPECT_EQ(found[i].similarity, expected[i].similarity) << "place " << i;  // to the last bit
  }
}

void expect_exact(const Segment& segment, const std::vector<std::vector<float>>& wanted, std::size_t persons_max) {
  const std::vector<Query> queries(wanted.begin(), wanted.end());
  for (const Isa isa : kIsas) {
    if (!supports(isa)) continue;
    SCOPED_TRACE(to_string(isa));
    std::vector<BestPersons> best(queries.size(), BestPersons(persons_max));
    search_rows(isa, segment.rows(), queries, best);
    for (std::size_t q = 0; q < queries.size(); ++q)
      expect_same(best[q].matches(), search_by_force(segment.rows(), wanted[q], persons_max));
  }
}

TEST(Search, EqualsAFullFloatSearch) {
  SeededRandom random(1);
  for (const std::size_t dimensions : {1, 3, 4, 64, 127, 128, 129, 512, 1024}) {
    for (const std::size_t count : {1, 15, 16, 17, 255, 256, 300, 3000}) {
      SCOPED_TRACE(std::to_string(count) + " × " + std::to_string(dimensions));
      const auto segment = make_segment(random_units(random, count, dimensions), 3);
      expect_exact(*segment, random_units(random, 3, dimensions), 5);
    }
  }
}

TEST(Search, EqualsAFullFloatSearchAmongNearEqualTemplates) {
  // All within the quantisation's error of each other, so the scan alone cannot tell them apart.
  SeededRandom random(2);
  const std::vector<float> centre = random_unit(random, 128);
  std::vector<std::vector<float>> vectors;
  for (int i = 0; i < 2000; ++i) vectors.push_back(near(centre, 1e-3F, random));
  const auto segment = make_segment(std::move(vectors), 2);
  expect_exact(*segment, {centre, near(centre, 1e-3F, random), random_unit(random, 128)}, 7);
}

TEST(Search, SharesOnePassAmongAnyNumberOfQueries) {
  SeededRandom random(3);
  const auto segment = make_segment(random_units(random, 1000, 128), 1);
  for (const std::size_t queries : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17}) {
    SCOPED_TRACE(std::to_string(queries) + " queries");
    expect_exact(*segment, random_units(random, queries, 128), 3);
  }
}

TEST(Search, FindsEveryoneWhenAskedForMoreThanThereAre) {
  SeededRandom random(4);
  const auto segment = make_segment(random_units(random, 100, 32), 4);
  expect_exact(*segment, {random_unit(random, 32)}, 1000);
}

TEST(Search, OrdersEqualSimilaritiesByName) {
  SeededRandom random(5);
  const std::vector<float> same = random_unit(random, 128);
  const auto segment = make_segment(std::vector<std::vector<float>>(200, same), 1);
  expect_exact(*segment, {same}, 3);
}

TEST(Search, HandlesVectorsAtTheEndsOfTheScale) {
  // One-hot vectors quantise to 127 and nothing else; their negatives to −127.
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < 64; ++i) {
    std::vector<float> hot(32, 0.0F);
    hot[i % 32] = i < 32 ? 1.0F : -1.0F;
    vectors.push_back(hot);
  }
  const auto segment = make_segment(vectors, 1);
  expect_exact(*segment, {vectors[0], vectors[40]}, 4);
}

TEST(Search, AllInstructionSetsScanTheSameIntegers) {
  SeededRandom random(6);
  for (const std::size_t dimensions : {4, 100, 128, 1024}) {
    const auto segment = make_segment(random_units(random, kBlockRows, dimensions), 1);
    std::vector<Query> queries;
    for (std::size_t q = 0; q < kQueriesPerPass; ++q) queries.emplace_back(random_unit(random, dimensions));
    std::vector<const Query*> pass;
    for (const Query& query : queries) {
      pass.push_back(&query);
      std::vector<std::int32_t> expected(kQueriesPerPass * kBlockRows), found(expected.size());
      scan(Isa::kScalar, segment->rows().codes, kBlockGroups, pass, expected.data());
      // The scalar scan itself against the definition.
      const Quantised row = quantise(segment->row(37).embedding), asked = quantise(pass.back()->vector());
      std::int32_t dot = 0;
      for (std::size_t i = 0; i < row.codes.size(); ++i) dot += row.codes[i] * asked.codes[i];
      EXPECT_EQ(expected[(pass.size() - 1) * kBlockRows + 37], dot);
      for (const Isa isa : {Isa::kAvx2, Isa::kVnni}) {
        if (!supports(isa)) continue;
        scan(isa, segment->rows().codes, kBlockGroups, pass, found.data());
        EXPECT_EQ(found, expected) << to_string(isa) << ", " << pass.size() << " queries";
      }
    }
  }
}

TEST(Search, QuantisationErrorIsWhatItSays) {
  SeededRandom random(7);
  for (int i = 0; i < 100; ++i) {
    const std::vector<float> vector = random_unit(random, 128);
    const Quantised quantised = quantise(vector);
    double left = 0;
    for (std::size_t k = 0; k < vector.size(); ++k)
      left += std::pow(double{vector[k]} - double{quantised.scale} * quantised.codes[k], 2);
    EXPECT_LE(std::sqrt(left), quantised.error);
    EXPECT_NEAR(std::sqrt(left), quantised.error, 1e-6);
  }
}

TEST(BestPersons, KeepsEachPersonOnce) {
  BestPersons best(2);
  best.offer("b", 0.5F);
  best.offer("a", 0.4F);
  best.offer("b", 0.3F);  // worse than what b has
  best.offer("a", 0.6F);
  best.offer("c", 0.5F);  // ties with b, and comes after it by name
  const std::vector<Match> matches = best.matches();
  ASSERT_EQ(matches.size(), 2U);
  EXPECT_EQ(matches[0].person, "a");
  EXPECT_EQ(matches[1].person, "b");
  EXPECT_EQ(best.threshold(), 0.5F);
}

}  // namespace
}  // namespace facefleet::gallery
