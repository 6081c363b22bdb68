#include "vision/resize.h"

#include <gtest/gtest.h>

namespace facefleet::vision {
namespace {

Image grey(std::int32_t width, std::int32_t height, const std::vector<std::uint8_t>& values) {
  Image out{width, height, {}};
  for (const std::uint8_t value : values) out.pixels.insert(out.pixels.end(), 3, value);
  return out;
}

// PIL.Image.resize(..., BILINEAR) of the same pixels gives these numbers.
TEST(Resize, AgreesWithPil) {
  const Image source = grey(6, 1, {0, 60, 120, 180, 240, 30});
  EXPECT_EQ(resize(source, {3, 1, 0, 0, 3, 1}).pixels, grey(3, 1, {43, 150, 141}).pixels);
  const Image two = grey(2, 1, {0, 200});
  EXPECT_EQ(resize(two, {4, 1, 0, 0, 4, 1}).pixels, grey(4, 1, {0, 50, 150, 200}).pixels);
}

TEST(Resize, AWindowShowsWhatTheWholeShows) {
  Image source{37, 29, std::vector<std::uint8_t>(3U * 37 * 29)};
  for (std::size_t i = 0; i < source.pixels.size(); ++i) source.pixels[i] = static_cast<std::uint8_t>(i * 97 % 251);
  for (const auto& [width, height] : {std::pair<std::int64_t, std::int64_t>{20, 16}, {111, 87}}) {
    const Image whole =
        resize(source, {width, height, 0, 0, static_cast<std::int32_t>(width), static_cast<std::int32_t>(height)});
    const Image window = resize(source, {width, height, 7, 5, 10, 9});
    for (std::size_t y = 0; y < 9; ++y)
      for (std::size_t i = 0; i < 30; ++i)
        ASSERT_EQ(window.pixels[y * 30 + i], whole.pixels[(y + 5) * 3 * static_cast<std::size_t>(width) + 21 + i])
            << width << ": " << y << ", " << i;
  }
}

TEST(Resize, OneSizeToItselfChangesNothing) {
  const Image source = grey(3, 2, {1, 2, 3, 250, 251, 255});
  EXPECT_EQ(resize(source, {3, 2, 0, 0, 3, 2}).pixels, source.pixels);
}

TEST(Resize, OnePixelFillsAnything) {
  const Image out = resize(grey(1, 1, {77}), {256, 25'600'000'000, 16, 12'799'999'888, 4, 4});
  EXPECT_EQ(out.pixels, std::vector<std::uint8_t>(48, 77));
}

}  // namespace
}  // namespace facefleet::vision
