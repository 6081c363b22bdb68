#include "vision/transform.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "vision/kernels.h"

namespace facefleet::vision {
namespace {

constexpr int kFractionBits = 32;  // of the fixed-point coordinates that warp() steps along a row
constexpr double kOne = 4294967296.0;

// The sub-range of [0, count) in which low ≤ start + i·step < high.
struct Range {
  std::int64_t begin, end;
};

Range within(std::int64_t start, std::int64_t step, std::int64_t low, std::int64_t high, Range range) {
  const auto floor_divide = [](std::int64_t a, std::int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
  };
  std::int64_t begin = 0, end = start >= low && start < high ? range.end : 0;
  if (step > 0) {
    begin = -floor_divide(start - low, step);
    end = -floor_divide(start - high, step);
  } else if (step < 0) {
    begin = floor_divide(start - high, -step) + 1;
    end = floor_divide(start - low, -step) + 1;
  }
  begin = std::clamp(begin, range.begin, range.end);
  return {begin, std::clamp(end, begin, range.end)};
}

// One pixel whose 2x2 neighbourhood may lie outside the source. The same arithmetic as the kernels.
void sample_at_border(const Image& source, std::int64_t x, std::int64_t y, Border border, std::uint8_t* out) {
  const std::int64_t column = x >> kFractionBits, row = y >> kFractionBits;
  const auto fx = static_cast<std::int32_t>((x >> (kFractionBits - 6)) & 63);
  const auto fy = static_cast<std::int32_t>((y >> (kFractionBits - 6)) & 63);
  for (int channel = 0; channel < 3; ++channel) {
    const auto pixel = [&](std::int64_t at_x, std::int64_t at_y) -> std::int32_t {
      const bool outside = at_x < 0 || at_y < 0 || at_x >= source.width || at_y >= source.height;
      if (outside && border == Border::kBlack) return 0;
      at_x = std::clamp<std::int64_t>(at_x, 0, source.width - 1);
      at_y = std::clamp<std::int64_t>(at_y, 0, source.height - 1);
      return source.pixels[static_cast<std::size_t>((at_y * source.width + at_x) * 3 + channel)];
    };
    const std::int32_t top = pixel(column, row) * (64 - fx) + pixel(column + 1, row) * fx;
    const std::int32_t bottom = pixel(column, row + 1) * (64 - fx) + pixel(column + 1, row + 1) * fx;
    out[channel] = static_cast<std::uint8_t>((top * (64 - fy) + bottom * fy + 2048) >> 12);
  }
}

// Clamped so that no sum along a row overflows: what lies so far out is border anyway.
std::int64_t fixed(double value, double limit) {
  return static_cast<std::int64_t>(std::llround(std::clamp(value, -limit, limit) * kOne));
}
constexpr double kStartMax = 1e8, kStepMax = 1e4;

}  // namespace

Point Affine::operator()(Point point) const {
  return {static_cast<float>(xx * point.x + xy * point.y + x0), static_cast<float>(yx * point.x + yy * point.y + y0)};
}

Affine compose(const Affine& second, const Affine& first) {
  return {second.xx * first.xx + second.xy * first.yx,
          second.xx * first.xy + second.xy * first.yy,
          second.xx * first.x0 + second.xy * first.y0 + second.x0,
          second.yx * first.xx + second.yy * first.yx,
          second.yx * first.xy + second.yy * first.yy,
          second.yx * first.x0 + second.yy * first.y0 + second.y0};
}

Affine inverse(const Affine& map) {
  const double determinant = map.xx * map.yy - map.xy * map.yx;
  Affine out{map.yy / determinant, -map.xy / determinant, 0, -map.yx / determinant, map.xx / determinant, 0};
  out.x0 = -(out.xx * map.x0 + out.xy * map.y0);
  out.y0 = -(out.yx * map.x0 + out.yy * map.y0);
  return out;
}

Affine similarity(const std::array<Point, 5>& from, const std::array<Point, 5>& to) {
  double from_x = 0, from_y = 0, to_x = 0, to_y = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    from_x += from[i].x / 5.0;
    from_y += from[i].y / 5.0;
    to_x += to[i].x / 5.0;
    to_y += to[i].y / 5.0;
  }
  // As complex numbers, to ≈ c·from with c = Σ conj(from)·to / Σ |from|².
  double real = 0, imaginary = 0, spread = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double x = from[i].x - from_x, y = from[i].y - from_y, u = to[i].x - to_x, v = to[i].y - to_y;
    real += x * u + y * v;
    imaginary += x * v - y * u;
    spread += x * x + y * y;
  }
  if (spread > 0) {
    real /= spread;
    imaginary /= spread;
  }
  return {real,      -imaginary, to_x - real * from_x + imaginary * from_y,
          imaginary, real,       to_y - imaginary * from_x - real * from_y};
}

Affine unturned(std::int32_t width, std::int32_t height, std::int32_t degrees) {
  switch (degrees) {
    case 90: return {0, 1, 0, -1, 0, height - 1.0};
    case 180: return {-1, 0, width - 1.0, 0, -1, height - 1.0};
    case 270: return {0, -1, width - 1.0, 1, 0, 0};
    default: return {};
  }
}

Image warp(const Image& source, const Affine& to_source, std::int32_t width, std::int32_t height, Border border) {
  Image out{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3) * width * height)};
  const std::int64_t step_x = fixed(to_source.xx, kStepMax), step_y = fixed(to_source.yx, kStepMax);
  for (std::int32_t row = 0; row < height; ++row) {
    const std::int64_t x = fixed(to_source.xy * row + to_source.x0, kStartMax);
    const std::int64_t y = fixed(to_source.yy * row + to_source.y0, kStartMax);
    // Inside, the kernel may read eight bytes from a pixel of either row: two pixels and a bit of a third.
    Range inside = within(x, step_x, 0, std::int64_t{source.width - 2} << kFractionBits, {0, width});
    inside = within(y, step_y, 0, std::int64_t{source.height - 1} << kFractionBits, inside);
    std::uint8_t* out_row = out.pixels.data() + static_cast<std::size_t>(3) * width * row;
    for (std::int64_t i = 0; i < inside.begin; ++i)
      sample_at_border(source, x + i * step_x, y + i * step_y, border, out_row + 3 * i);
    kernels::sample_row({source.pixels.data(), source.width}, x + inside.begin * step_x, y + inside.begin * step_y,
                        step_x, step_y,
                        {out_row + 3 * inside.begin, static_cast<std::size_t>(3 * (inside.end - inside.begin))});
    for (std::int64_t i = inside.end; i < width; ++i)
      sample_at_border(source, x + i * step_x, y + i * step_y, border, out_row + 3 * i);
  }
  return out;
}

Image halve(const Image& source) {
  const std::int32_t width = (source.width + 1) / 2, height = (source.height + 1) / 2;
  Image out{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3) * width * height)};
  std::uint8_t* to = out.pixels.data();
  for (std::int32_t row = 0; row < height; ++row) {
    const std::uint8_t* top = source.pixels.data() + static_cast<std::size_t>(6) * row * source.width;
    const std::uint8_t* bottom = 2 * row + 1 < source.height ? top + static_cast<std::size_t>(3) * source.width : top;
    for (std::int32_t column = 0; column < source.width / 2; ++column, top += 6, bottom += 6, to += 3)
      for (int channel = 0; channel < 3; ++channel)
        to[channel] = static_cast<std::uint8_t>(
            (top[channel] + top[channel + 3] + bottom[channel] + bottom[channel + 3] + 2) >> 2);
    if (source.width % 2 != 0)
      for (int channel = 0; channel < 3; ++channel, ++to)
        *to = static_cast<std::uint8_t>((top[channel] + bottom[channel] + 1) >> 1);
  }
  return out;
}

Image upright(Image stored, std::int32_t orientation) {
  if (orientation < 2 || orientation > 8) return stored;
  const std::int64_t width = stored.width, height = stored.height, last_x = width - 1, last_y = height - 1;
  // Where the upright image's first pixel lies in the stored one, and the steps, in pixels, along its rows and columns.
  struct Walk {
    std::int64_t start, along_row, along_column;
  };
  const std::array<Walk, 9> walks{{{},
                                   {},
                                   {last_x, -1, width},
                                   {last_y * width + last_x, -1, -width},
                                   {last_y * width, 1, -width},
                                   {0, width, 1},
                                   {last_y * width, -width, 1},
                                   {last_y * width + last_x, -width, -1},
                                   {last_x, width, -1}}};
  const Walk walk = walks[static_cast<std::size_t>(orientation)];
  Image out{orientation > 4 ? stored.height : stored.width, orientation > 4 ? stored.width : stored.height, {}};
  out.pixels.resize(stored.pixels.size());
  constexpr std::int64_t kTile = 32;  // turned by 90 degrees, a tile's source and target both fit the first cache
  for (std::int64_t tile_y = 0; tile_y < out.height; tile_y += kTile)
    for (std::int64_t tile_x = 0; tile_x < out.width; tile_x += kTile)
      for (std::int64_t y = tile_y; y < std::min<std::int64_t>(tile_y + kTile, out.height); ++y) {
        std::uint8_t* to = out.pixels.data() + 3 * (y * out.width + tile_x);
        const std::uint8_t* from =
            stored.pixels.data() + 3 * (walk.start + y * walk.along_column + tile_x * walk.along_row);
        for (std::int64_t x = tile_x; x < std::min<std::int64_t>(tile_x + kTile, out.width); ++x) {
          std::memcpy(to, from, 3);
          to += 3;
          from += 3 * walk.along_row;
        }
      }
  return out;
}

void to_planes(const Image& image, const Planes& planes) {
  const auto plane_width = static_cast<std::size_t>(planes.width), width = static_cast<std::size_t>(image.width);
  for (std::int32_t row = 0; row < image.height; ++row) {
    const std::size_t at = static_cast<std::size_t>(row) * plane_width;
    kernels::split_row({image.pixels.data() + 3 * width * static_cast<std::size_t>(row), 3 * width},
                       planes.red.data() + at, planes.green.data() + at, planes.blue.data() + at);
  }
  for (const std::span<float> plane : {planes.red, planes.green, planes.blue}) {
    if (plane_width > width)
      for (std::int32_t row = 0; row < image.height; ++row)
        std::fill_n(plane.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * plane_width + width),
                    plane_width - width, 0.0F);
    const std::size_t used = static_cast<std::size_t>(image.height) * plane_width;
    std::fill(plane.begin() + static_cast<std::ptrdiff_t>(used), plane.end(), 0.0F);
  }
}

}  // namespace facefleet::vision
