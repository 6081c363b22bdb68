#include "vision/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "vision/kernels.h"

namespace facefleet::vision {
namespace {

Image noise(std::int32_t width, std::int32_t height, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  Image out{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3) * width * height)};
  for (std::uint8_t& value : out.pixels) value = static_cast<std::uint8_t>(random());
  return out;
}

const std::uint8_t* pixel(const Image& image, std::int32_t x, std::int32_t y) {
  return image.pixels.data() + 3 * (static_cast<std::ptrdiff_t>(y) * image.width + x);
}

void expect_same_pixel(const Image& a, std::int32_t ax, std::int32_t ay, const Image& b, std::int32_t bx,
                       std::int32_t by) {
  for (int channel = 0; channel < 3; ++channel)
    ASSERT_EQ(pixel(a, ax, ay)[channel], pixel(b, bx, by)[channel]) << ax << "," << ay << " and " << bx << "," << by;
}

// Bilinear sampling in double precision, as warp() promises it up to 1/64 pixel.
double exact(const Image& image, double x, double y, int channel) {
  const auto column = static_cast<std::int32_t>(std::floor(x)), row = static_cast<std::int32_t>(std::floor(y));
  const double fx = x - column, fy = y - row;
  return (pixel(image, column, row)[channel] * (1 - fx) + pixel(image, column + 1, row)[channel] * fx) * (1 - fy) +
         (pixel(image, column, row + 1)[channel] * (1 - fx) + pixel(image, column + 1, row + 1)[channel] * fx) * fy;
}

TEST(SimilarityTest, FindsTheTurnScaleAndShiftThatMadeThePoints) {
  const std::array<Point, 5> from{{{10, 20}, {50, 22}, {30, 40}, {15, 60}, {45, 61}}};
  const double angle = 0.3, scale = 1.7;
  const Affine made{scale * std::cos(angle), -scale * std::sin(angle), 5,
                    scale * std::sin(angle), scale * std::cos(angle),  -7};
  std::array<Point, 5> to{};
  for (std::size_t i = 0; i < 5; ++i) to[i] = made(from[i]);
  const Affine found = similarity(from, to);
  EXPECT_NEAR(found.xx, made.xx, 1e-5);
  EXPECT_NEAR(found.xy, made.xy, 1e-5);
  EXPECT_NEAR(found.x0, made.x0, 1e-3);
  EXPECT_NEAR(found.yx, made.yx, 1e-5);
  EXPECT_NEAR(found.y0, made.y0, 1e-3);
}

TEST(SimilarityTest, NoSmallChangeFitsBetter) {
  const std::array<Point, 5> from{{{38, 52}, {73, 51}, {56, 72}, {41, 92}, {71, 92}}};
  const std::array<Point, 5> to{{{101, 83}, {131, 88}, {113, 105}, {95, 121}, {122, 124}}};
  const auto error = [&](const Affine& map) {
    double sum = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      const double x = map.xx * from[i].x + map.xy * from[i].y + map.x0 - to[i].x;
      const double y = map.yx * from[i].x + map.yy * from[i].y + map.y0 - to[i].y;
      sum += x * x + y * y;
    }
    return sum;
  };
  const Affine best = similarity(from, to);
  for (const double step : {-1e-3, 1e-3}) {
    Affine scaled = best, turned = best, shifted = best;
    scaled.xx += step;
    scaled.yy += step;
    turned.xy -= step;
    turned.yx += step;
    shifted.x0 += step;
    EXPECT_LT(error(best), error(scaled));
    EXPECT_LT(error(best), error(turned));
    EXPECT_LT(error(best), error(shifted));
  }
}

TEST(SimilarityTest, PointsInOnePlaceHaveNoScale) {
  const std::array<Point, 5> one{};
  const Affine map = similarity(one, {{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}});
  EXPECT_EQ(std::hypot(map.xx, map.yx), 0);
}

TEST(AffineTest, InverseUndoes) {
  const Affine map{1.5, 0.2, 3, -0.4, 0.9, -2};
  const Point there = compose(inverse(map), map)({12, 34});
  EXPECT_NEAR(there.x, 12, 1e-4);
  EXPECT_NEAR(there.y, 34, 1e-4);
}

TEST(AffineTest, UnturnedTakesTheTurnedImageBack) {
  // A 5 x 3 image turned clockwise: its top left pixel comes to the top right.
  EXPECT_EQ(unturned(5, 3, 90)({2, 0}).x, 0);
  EXPECT_EQ(unturned(5, 3, 90)({2, 0}).y, 0);
  EXPECT_EQ(unturned(5, 3, 180)({4, 2}).x, 0);
  EXPECT_EQ(unturned(5, 3, 180)({4, 2}).y, 0);
  EXPECT_EQ(unturned(5, 3, 270)({0, 4}).x, 0);
  EXPECT_EQ(unturned(5, 3, 270)({0, 4}).y, 0);
}

TEST(WarpTest, IdentityChangesNothing) {
  const Image image = noise(37, 23);
  EXPECT_EQ(warp(image, {}, 37, 23, Border::kBlack).pixels, image.pixels);
}

TEST(WarpTest, BeyondTheSourceIsBlackOrTheNearestPixel) {
  const Image image = noise(9, 7);
  const Affine shift{1, 0, -3, 0, 1, -2};
  const Image black = warp(image, shift, 16, 12, Border::kBlack), near = warp(image, shift, 16, 12, Border::kReplicate);
  expect_same_pixel(black, 3, 2, image, 0, 0);
  expect_same_pixel(black, 11, 8, image, 8, 6);
  EXPECT_EQ(pixel(black, 2, 2)[0], 0);
  EXPECT_EQ(pixel(black, 12, 2)[0], 0);
  EXPECT_EQ(pixel(black, 3, 9)[0], 0);
  expect_same_pixel(near, 0, 0, image, 0, 0);
  expect_same_pixel(near, 15, 11, image, 8, 6);
}

TEST(WarpTest, IsBilinearWithinItsPrecision) {
  const Image image = noise(200, 160);
  const Affine map{0.81, -0.23, 55.3, 0.23, 0.81, 12.7};
  const Image out = warp(image, map, 112, 112, Border::kBlack);
  double worst = 0, sum = 0;
  for (std::int32_t y = 0; y < 112; ++y)
    for (std::int32_t x = 0; x < 112; ++x)
      for (int channel = 0; channel < 3; ++channel) {
        const double difference =
            std::abs(pixel(out, x, y)[channel] -
                     exact(image, map.xx * x + map.xy * y + map.x0, map.yx * x + map.yy * y + map.y0, channel));
        worst = std::max(worst, difference);
        sum += difference;
      }
  // Coordinates are cut to 1/64 pixel: on noise, half of that times the mean difference of neighbours, and rounding.
  EXPECT_LT(worst, 8.6);
  EXPECT_LT(sum / (112 * 112 * 3), 1.2);
}

TEST(WarpTest, MapsFarOutOfTheImageAreSafe) {
  const Image image = noise(20, 20);
  for (const double far : {1e3, 1e9, 1e30, -1e30})
    for (const Affine& map :
         {Affine{1, 0, far, 0, 1, far}, Affine{far, 0, 0, 0, far, 0}, Affine{far, -far, 3, far, far, 3}})
      EXPECT_EQ(warp(image, map, 64, 64, Border::kBlack).pixels.size(), 64U * 64 * 3);
}

TEST(WarpTest, SmallestImagesHaveABorderOnly) {
  for (const std::int32_t side : {1, 2, 3}) {
    const Image image = noise(side, side);
    EXPECT_EQ(warp(image, {}, side, side, Border::kReplicate).pixels, image.pixels) << side;
  }
}

TEST(KernelsTest, FastAndPortableFormsGiveTheSameBytes) {
  const Image image = noise(301, 50);
  const kernels::Source source{image.pixels.data(), image.width};
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    const auto count = static_cast<std::int64_t>(random() % 120);
    const std::int64_t one = std::int64_t{1} << 32;
    const auto x = static_cast<std::int64_t>(random() % (100U * one)),
               y = static_cast<std::int64_t>(random() % (20U * one));
    const auto step_x = static_cast<std::int64_t>(random() % (one * 3 / 2)),
               step_y = static_cast<std::int64_t>(random() % (one / 5));
    std::vector<std::uint8_t> fast(static_cast<std::size_t>(3 * count)), portable(fast.size());
    kernels::sample_row(source, x, y, step_x, step_y, fast);
    kernels::portable::sample_row(source, x, y, step_x, step_y, portable);
    ASSERT_EQ(fast, portable) << round;
  }
  for (const std::size_t width : {0U, 1U, 15U, 16U, 17U, 250U, 301U}) {
    std::vector<float> fast(3 * width), portable(3 * width);
    const std::span<const std::uint8_t> row(image.pixels.data(), 3 * width);
    kernels::split_row(row, fast.data(), fast.data() + width, fast.data() + 2 * width);
    kernels::portable::split_row(row, portable.data(), portable.data() + width, portable.data() + 2 * width);
    ASSERT_EQ(fast, portable) << width;
  }
}

TEST(HalveTest, IsTheMeanOfTwoByTwo) {
  const Image image{3, 3, {10, 0, 0, 20, 0, 0, 30, 0, 0, 30, 0, 0, 40, 0, 0, 50, 0, 0, 70, 0, 0, 90, 0, 0, 255, 0, 0}};
  const Image half = halve(image);
  ASSERT_EQ(half.width, 2);
  ASSERT_EQ(half.height, 2);
  EXPECT_EQ(pixel(half, 0, 0)[0], 25);
  EXPECT_EQ(pixel(half, 1, 0)[0], 40);
  EXPECT_EQ(pixel(half, 0, 1)[0], 80);
  EXPECT_EQ(pixel(half, 1, 1)[0], 255);
}

TEST(UprightTest, EveryOrientation) {
  // The upright picture and where its (x, y) is stored under each orientation (CIPA DC-008, figure of 4.6.4).
  const Image upright_image = noise(70, 45);
  const auto stored_as = [&](std::int32_t orientation) {
    const bool swapped = orientation > 4;
    Image out{swapped ? 45 : 70, swapped ? 70 : 45, std::vector<std::uint8_t>(upright_image.pixels.size())};
    for (std::int32_t y = 0; y < 45; ++y)
      for (std::int32_t x = 0; x < 70; ++x) {
        const std::int32_t right = 69 - x, below = 44 - y;
        const std::array<std::pair<std::int32_t, std::int32_t>, 9> at{
            {{0, 0}, {x, y}, {right, y}, {right, below}, {x, below}, {y, x}, {y, right}, {below, right}, {below, x}}};
        const auto [to_x, to_y] = at[static_cast<std::size_t>(orientation)];
        std::copy_n(pixel(upright_image, x, y), 3, out.pixels.data() + 3 * (to_y * out.width + to_x));
      }
    return out;
  };
  for (std::int32_t orientation = 1; orientation <= 8; ++orientation) {
    const Image out = upright(stored_as(orientation), orientation);
    EXPECT_EQ(out.width, 70) << orientation;
    EXPECT_EQ(out.pixels, upright_image.pixels) << orientation;
  }
}

TEST(ToPlanesTest, PadsWithZeroAtTheRightAndBelow) {
  const Image image = noise(5, 3);
  std::vector<float> red(64, 7), green(64, 7), blue(64, 7);
  to_planes(image, {red, green, blue, 8, 8});
  for (std::int32_t y = 0; y < 8; ++y)
    for (std::int32_t x = 0; x < 8; ++x) {
      const bool inside = x < 5 && y < 3;
      EXPECT_EQ(red[static_cast<std::size_t>(8 * y + x)], inside ? pixel(image, x, y)[0] : 0);
      EXPECT_EQ(blue[static_cast<std::size_t>(8 * y + x)], inside ? pixel(image, x, y)[2] : 0);
    }
}

}  // namespace
}  // namespace facefleet::vision
