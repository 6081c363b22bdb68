// A photo's bytes, opened: its size, and its upright pixels at the scale that is asked for.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "vision/formats/format.h"
#include "vision/image.h"

namespace facefleet::vision {

// Not thread-safe. Keeps every level that it decoded until it is destroyed.
class Photo {
 public:
  static constexpr std::int32_t kLevels = 8;

  // Reads the header alone: what is too large is refused before a pixel is decoded. `bytes` must outlive the photo.
  // kInvalidInput with a reason of Pipeline::analyse.
  static Result<Photo> open(BytesView bytes);

  std::int32_t width() const { return width_; }  // upright
  std::int32_t height() const { return height_; }

  // The upright image at 1/2^level of the photo's size, rounded up; 0 ≤ level < kLevels. A JPEG is decoded straight to
  // that scale, unless a finer level is there to be halved. The pointer lives as long as the photo.
  Result<const Image*> level(std::int32_t level);

 private:
  Photo() = default;
  Result<Image> make(std::int32_t level);

  BytesView bytes_;
  const Format* format_ = nullptr;
  PhotoHeader header_;
  std::int32_t width_ = 0, height_ = 0, orientation_ = 1;
  std::array<Image, kLevels> levels_;  // empty until asked for
};

}  // namespace facefleet::vision
