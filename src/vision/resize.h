// Resampling with antialiasing, as PIL and torchvision do it. Pure function.
#pragma once

#include <cstdint>

#include "vision/image.h"

namespace facefleet::vision {

// A window of an image that is scaled to `scaled_width` x `scaled_height`.
struct Window {
  std::int64_t scaled_width = 0, scaled_height = 0;
  std::int64_t left = 0, top = 0;
  std::int32_t width = 0, height = 0;  // the window must lie inside
};

// The pixels of the window, bilinear: weighted by a triangle that reaches one pixel of the coarser of the two grids to
// each side, so that nothing is lost to aliasing however much the image shrinks. Only what the window shows is
// computed.
Image resize(const Image& source, const Window& window);

}  // namespace facefleet::vision
