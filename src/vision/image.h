// Decoded pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::vision {

// 8-bit RGB, rows top to bottom, no padding: pixels.size() == 3 * width * height.
struct Image {
  std::int32_t width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
};

// PNG bytes (lossless) of an image; for chips.
Bytes encode_png(const Image& image);

}  // namespace facefleet::vision
