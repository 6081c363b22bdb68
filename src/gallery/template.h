// What a gallery keeps, and what a search gives. Pure values.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace facefleet::gallery {

inline constexpr float kUnitLengthTolerance = 1e-3F;

// An enrolled embedding.
struct Template {
  std::string person;
  std::vector<float> embedding;  // unit length, to within kUnitLengthTolerance
  std::string photo_sha256;      // 64 hex digits: enrolling the same photo again for the same person is a no-op
  std::string source;            // the photo's file name, for people
  Bytes chip_png;                // the aligned 112x112 face, for export and for a model to come; may be empty
};

struct Match {
  std::string person;
  float similarity = 0;  // cosine, −1 to 1
};

}  // namespace facefleet::gallery
