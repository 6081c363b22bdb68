#include "tools/pairs.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <sstream>
#include <utility>

namespace facefleet::tools {
namespace {

std::string photo_path(const std::string& person, unsigned number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 4) digits.insert(0, 4 - digits.size(), '0');
  return person + "/" + person + "_" + digits + ".jpg";
}

std::optional<Pair> parse_pair(const std::string& line, bool same) {
  std::istringstream fields(line);
  std::string first, second;
  unsigned first_number = 0, second_number = 0;
  fields >> first >> first_number;
  if (!same) fields >> second;
  fields >> second_number;
  std::string more;
  if (!fields || fields >> more) return std::nullopt;
  return Pair{photo_path(first, first_number), photo_path(same ? first : second, second_number), same, 0};
}

struct Decision {
  float similarity;
  bool same;
};

// The similarity from which on "the same person" is right most often. Between two neighbours the middle is taken; of
// several best places, the middle one.
float best_threshold(std::vector<Decision> decisions) {
  std::ranges::sort(decisions, {}, &Decision::similarity);
  const auto same = [](const Decision& decision) { return decision.same; };
  auto right = std::ranges::count_if(decisions, same);  // all accepted
  auto most = right;
  std::vector<float> best = {-std::numeric_limits<float>::infinity()};
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    right += decisions[i].same ? -1 : 1;  // decision i is now rejected
    const bool last = i + 1 == decisions.size();
    if (!last && decisions[i + 1].similarity == decisions[i].similarity) continue;
    if (right < most) continue;
    if (right > most) best.clear();
    most = right;
    best.push_back(last ? std::numeric_limits<float>::infinity()
                        : (decisions[i].similarity + decisions[i + 1].similarity) / 2);
  }
  return best[best.size() / 2];
}

double accuracy_of_fold(const std::vector<Pair>& pairs, const Similarities& similarities, std::size_t fold) {
  std::vector<Decision> others;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (pairs[i].fold != fold && similarities[i]) others.push_back({*similarities[i], pairs[i].same});
  const float threshold = best_threshold(std::move(others));
  std::size_t right = 0, all = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i].fold != fold) continue;
    ++all;
    if (similarities[i] && (*similarities[i] >= threshold) == pairs[i].same) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(all);
}

}  // namespace

Result<std::vector<Pair>> parse_pairs(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  std::getline(lines, line);
  std::istringstream header(line);
  std::size_t folds = 0, each = 0;
  header >> folds;
  if (!(header >> each)) {  // without a number of folds there is one
    each = folds;
    folds = 1;
  }
  if (each == 0 || folds < 2)
    return Error{Code::kInvalidInput, "a pairs file begins with the numbers of folds (at least 2) and of pairs: 10 300",
                 "bad_pairs"};
  std::vector<Pair> pairs;
  for (std::size_t number = 2; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (line.ends_with('\r')) line.pop_back();
    auto pair = parse_pair(line, pairs.size() % (2 * each) < each);
    if (!pair)
      return Error{Code::kInvalidInput, "line " + std::to_string(number) + " of the pairs is not a pair: " + line,
                   "bad_pairs"};
    pair->fold = pairs.size() / (2 * each);
    pairs.push_back(std::move(*pair));
  }
  if (pairs.size() != 2 * each * folds)
    return Error{Code::kInvalidInput,
                 "the pairs' heading promises " + std::to_string(2 * each * folds) + " pairs, and there are " +
                     std::to_string(pairs.size()),
                 "bad_pairs"};
  return pairs;
}

double tar_at_far(const std::vector<Pair>& pairs, const Similarities& similarities, double far) {
  std::vector<float> impostors;
  std::size_t impostor_pairs = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i].same) continue;
    ++impostor_pairs;
    if (similarities[i]) impostors.push_back(*similarities[i]);
  }
  std::ranges::sort(impostors, std::greater<>());
  const auto allowed =
      static_cast<std::size_t>(far * static_cast<double>(impostor_pairs) + 1e-9);  // 0.001 of 3,000 is 3
  const float above = allowed < impostors.size() ? impostors[allowed] : -std::numeric_limits<float>::infinity();
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (pairs[i].same && similarities[i] && *similarities[i] > above) ++accepted;
  return static_cast<double>(accepted) / static_cast<double>(pairs.size() - impostor_pairs);
}

Scores score(const std::vector<Pair>& pairs, const Similarities& similarities) {
  Scores scores;
  scores.pairs = pairs.size();
  const std::size_t folds = pairs.back().fold + 1;
  std::vector<double> accuracies;
  for (std::size_t fold = 0; fold < folds; ++fold) accuracies.push_back(accuracy_of_fold(pairs, similarities, fold));
  for (const double accuracy : accuracies) scores.accuracy += accuracy / static_cast<double>(folds);
  double squares = 0;
  for (const double accuracy : accuracies) squares += std::pow(accuracy - scores.accuracy, 2);
  scores.accuracy_se = std::sqrt(squares / static_cast<double>(folds - 1) / static_cast<double>(folds));
  scores.tar_at_far_01 = tar_at_far(pairs, similarities, 0.01);
  scores.tar_at_far_001 = tar_at_far(pairs, similarities, 0.001);
  return scores;
}

}  // namespace facefleet::tools
