// The two inner loops over pixels, in the form that this processor runs fastest. Pure functions; every form gives the
// same bytes.
#pragma once

#include <cstdint>
#include <span>

namespace facefleet::vision::kernels {

struct Source {
  const std::uint8_t* pixels;  // RGB, no padding
  std::int32_t width;
};

// Bilinear samples at (x, y), (x + step_x, y + step_y), …; coordinates have 32 fractional bits, of which the first six
// count. Each sample's column must be below width − 2 and its row below height − 1.
void sample_row(Source source, std::int64_t x, std::int64_t y, std::int64_t step_x, std::int64_t step_y,
                std::span<std::uint8_t> out);

// RGB bytes to three rows of floats.
void split_row(std::span<const std::uint8_t> rgb, float* red, float* green, float* blue);

// The same in plain C++, for other processors and as the tests' oracle.
namespace portable {
void sample_row(Source source, std::int64_t x, std::int64_t y, std::int64_t step_x, std::int64_t step_y,
                std::span<std::uint8_t> out);
void split_row(std::span<const std::uint8_t> rgb, float* red, float* green, float* blue);
}  // namespace portable

}  // namespace facefleet::vision::kernels
