// The protocol of "Labeled Faces in the Wild" (Huang, Ramesh, Berg, Learned-Miller 2007, view 2), and its figures.
// Pure values and functions.
//
// pairs.txt begins with the number of folds and of pairs of each kind in a fold (`10 300`); then, fold by fold, the
// pairs of one person (`Ann 1 4`: Ann/Ann_0001.jpg and Ann/Ann_0004.jpg) and of two (`Ann 1 Bob 2`).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace facefleet::tools {

struct Pair {
  std::string first, second;  // paths under the images' folder
  bool same = false;
  std::size_t fold = 0;
};

// kInvalidInput names the line.
Result<std::vector<Pair>> parse_pairs(std::string_view text);

// How alike the photos of a pair are; nothing if one of them shows no face.
using Similarities = std::vector<std::optional<float>>;

struct Scores {
  double accuracy = 0;     // mean over the folds, each at the threshold that is best on the others
  double accuracy_se = 0;  // the standard error of that mean
  double tar_at_far_01 = 0, tar_at_far_001 = 0;
  std::size_t misses = 0;  // photos without a face
  std::size_t pairs = 0;
};

// `similarities[i]` is that of `pairs[i]`. A pair with a miss is decided wrongly at every threshold; for TAR and FAR it
// is rejected, as a system would: it counts against TAR, and not as a false acceptance.
Scores score(const std::vector<Pair>& pairs, const Similarities& similarities);

// The share of true pairs that are accepted where at most `far` of the impostor pairs are: accepted is what is more
// alike than the first impostor that must be rejected. Nothing is interpolated.
double tar_at_far(const std::vector<Pair>& pairs, const Similarities& similarities, double far);

}  // namespace facefleet::tools
