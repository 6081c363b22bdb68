// Geometry and resampling: similarity and affine maps, the one kernel that applies them, halving, turning.
// Pure functions. A point's coordinates are those of pixel centres: the first pixel is at (0, 0).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "vision/image.h"
#include "vision/pipeline.h"

namespace facefleet::vision {

// (x, y) -> (xx·x + xy·y + x0, yx·x + yy·y + y0)
struct Affine {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;

  Point operator()(Point point) const;
};

// first, then second.
Affine compose(const Affine& second, const Affine& first);

// The inverse of a map whose determinant is not zero.
Affine inverse(const Affine& map);

// The rotation, uniform scale and shift that takes `from` to `to` with the least sum of squared distances
// (Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991; in the
// plane, without reflection, it has the closed form used here). All of `from` in one point: the scale is 0.
Affine similarity(const std::array<Point, 5>& from, const std::array<Point, 5>& to);

// The map from coordinates of `image` turned clockwise by `degrees` (0, 90, 180, 270) to coordinates of `image`.
Affine unturned(std::int32_t width, std::int32_t height, std::int32_t degrees);

enum class Border { kBlack, kReplicate };

// A width x height image whose pixel p is `source` at to_source(p), bilinear, in fixed point with 1/64 pixel.
// Beyond the source: black, or the nearest pixel. Shrinking by more than two loses detail to aliasing: halve first.
Image warp(const Image& source, const Affine& to_source, std::int32_t width, std::int32_t height, Border border);

// Each pixel the mean of two by two; an odd last row or column is averaged alone, so sizes round up.
Image halve(const Image& source);

// The upright form of an image stored with an EXIF orientation (1 to 8, CIPA DC-008 4.6.4 tag 0x0112).
Image upright(Image stored, std::int32_t orientation);

// Writes the image's red, green and blue as floats 0 to 255 into the top left of three planes of `plane_width` floats
// a row and `plane_height` rows, and zero into the rest of them.
struct Planes {
  std::span<float> red, green, blue;
  std::int32_t width = 0, height = 0;
};
void to_planes(const Image& image, const Planes& planes);

}  // namespace facefleet::vision
