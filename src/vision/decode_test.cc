#include "vision/decode.h"

#include <gtest/gtest.h>
#include <png.h>
#include <turbojpeg.h>
#include <webp/encode.h>

#include <random>

#include "base/limits.h"
#include "vision/transform.h"

namespace facefleet::vision {
namespace {

// A smooth picture, whose four quarters differ: red grows to the right, green downwards.
Image picture(std::int32_t width, std::int32_t height) {
  Image out{width, height, {}};
  for (std::int32_t y = 0; y < height; ++y)
    for (std::int32_t x = 0; x < width; ++x)
      for (const std::int32_t value : {40 + 170 * x / width, 40 + 170 * y / height, 120})
        out.pixels.push_back(static_cast<std::uint8_t>(value));
  return out;
}

Bytes jpeg(const Image& image, int flags = 0) {
  tjhandle handle = tjInitCompress();
  unsigned char* data = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(tjCompress2(handle, image.pixels.data(), image.width, 0, image.height, TJPF_RGB, &data, &size, TJSAMP_420,
                        95, flags),
            0);
  Bytes out(reinterpret_cast<const char*>(data), size);
  tjFree(data);
  tjDestroy(handle);
  return out;
}

Bytes cmyk_jpeg(const Image& image) {
  std::vector<std::uint8_t> cmyk;  // inverted, as Adobe writes it, without black
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    cmyk.insert(cmyk.end(), image.pixels.begin() + static_cast<std::ptrdiff_t>(i),
                image.pixels.begin() + static_cast<std::ptrdiff_t>(i) + 3);
    cmyk.push_back(255);
  }
  tjhandle handle = tjInitCompress();
  unsigned char* data = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(tjCompress2(handle, cmyk.data(), image.width, 0, image.height, TJPF_CMYK, &data, &size, TJSAMP_444, 95, 0),
            0);
  Bytes out(reinterpret_cast<const char*>(data), size);
  tjFree(data);
  tjDestroy(handle);
  return out;
}

// A PNG of any libpng format; `pixels` as that format lays them out.
Bytes png(std::int32_t width, std::int32_t height, png_uint_32 format, const void* pixels,
          const void* colours = nullptr, png_uint_32 entries = 0) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  image.colormap_entries = entries;
  png_alloc_size_t size = 0;
  EXPECT_NE(png_image_write_to_memory(&image, nullptr, &size, 0, pixels, 0, colours), 0);
  Bytes out(size, '\0');
  EXPECT_NE(png_image_write_to_memory(&image, out.data(), &size, 0, pixels, 0, colours), 0);
  return out;
}

Bytes webp(const Image& image) {
  std::uint8_t* data = nullptr;
  const std::size_t size =
      WebPEncodeLosslessRGB(image.pixels.data(), image.width, image.height, 3 * image.width, &data);
  Bytes out(reinterpret_cast<const char*>(data), size);
  WebPFree(data);
  return out;
}

Bytes tiff_with_orientation(std::int32_t orientation) {
  Bytes out("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
  out += static_cast<char>(orientation);
  return out + Bytes(6, '\0');
}

Bytes with_exif(const Bytes& photo, const Bytes& tiff) {
  const std::size_t length = 2 + 6 + tiff.size();
  Bytes out = photo.substr(0, 2);
  out += "\xFF\xE1";
  out += static_cast<char>(length >> 8);
  out += static_cast<char>(length & 255);
  return out + Bytes("Exif\0\0", 6) + tiff + photo.substr(2);
}

double mean_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

Image decoded(const Bytes& bytes, std::int32_t level = 0) {
  auto photo = Photo::open(bytes);
  EXPECT_TRUE(photo) << photo.error().message;
  auto image = photo->level(level);
  EXPECT_TRUE(image) << image.error().message;
  return **image;
}

// The reason for which bytes are refused, whether at once or when decoded; empty if they are taken.
std::string refusal(BytesView bytes) {
  auto photo = Photo::open(bytes);
  if (!photo) return photo.error().reason;
  const auto image = photo->level(0);
  return image ? "" : image.error().reason;
}

TEST(DecodeTest, ReadsEveryFormat) {
  const Image image = picture(90, 61);
  EXPECT_LT(mean_difference(decoded(jpeg(image)), image), 2);
  EXPECT_LT(mean_difference(decoded(jpeg(image, TJFLAG_PROGRESSIVE)), image), 2);
  EXPECT_LT(mean_difference(decoded(cmyk_jpeg(image)), image), 3);
  EXPECT_EQ(decoded(encode_png(image)).pixels, image.pixels);
  EXPECT_EQ(decoded(webp(image)).pixels, image.pixels);
}

TEST(DecodeTest, ReadsEveryKindOfPng) {
  const Image image = picture(33, 20);
  std::vector<std::uint8_t> grey, rgba;
  std::vector<std::uint16_t> deep;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    grey.push_back(image.pixels[i]);
    rgba.insert(rgba.end(), {image.pixels[i], image.pixels[i + 1], image.pixels[i + 2],
                             i % 2 == 0 ? std::uint8_t{255} : std::uint8_t{0}});
  }
  const Image from_grey = decoded(png(33, 20, PNG_FORMAT_GRAY, grey.data()));
  for (std::size_t i = 0; i < grey.size(); ++i) ASSERT_EQ(from_grey.pixels[3 * i + 1], grey[i]);
  const Image from_alpha = decoded(png(33, 20, PNG_FORMAT_RGBA, rgba.data()));
  EXPECT_EQ(from_alpha.pixels[0], image.pixels[0]);
  EXPECT_EQ(from_alpha.pixels[3], 255) << "what is transparent is white";
  // libpng writes 16 bits as linear light and says so (gAMA): half the light is 186 to 188 of 255. Without that chunk
  // it is sRGB like everything else: half is half.
  deep.assign(static_cast<std::size_t>(33) * 20 * 3, 32768);
  Bytes linear = png(33, 20, PNG_FORMAT_LINEAR_RGB, deep.data());
  EXPECT_NEAR(decoded(linear).pixels[0], 187, 2);
  linear.erase(linear.find("gAMA") - 4, 16);
  EXPECT_NEAR(decoded(linear).pixels[0], 128, 1);
  const std::vector<std::uint8_t> indices(static_cast<std::size_t>(33) * 20, 1), colours{1, 2, 3, 200, 100, 50};
  const Image from_palette = decoded(png(33, 20, PNG_FORMAT_RGB_COLORMAP, indices.data(), colours.data(), 2));
  EXPECT_EQ(from_palette.pixels[0], 200);
  EXPECT_EQ(from_palette.pixels[2], 50);
}

TEST(DecodeTest, AppliesEveryExifOrientation) {
  const Image image = picture(64, 40);
  for (std::int32_t orientation = 1; orientation <= 8; ++orientation) {
    const Bytes bytes = with_exif(jpeg(image), tiff_with_orientation(orientation));
    const auto photo = Photo::open(bytes);
    ASSERT_TRUE(photo) << photo.error().message;
    EXPECT_EQ(photo->width(), orientation > 4 ? 40 : 64) << orientation;
    EXPECT_LT(mean_difference(decoded(bytes), upright(image, orientation)), 2) << orientation;
  }
}

TEST(DecodeTest, NonsenseInExifIsUpright) {
  const Image image = picture(64, 40);
  for (const Bytes& tiff : {tiff_with_orientation(0), tiff_with_orientation(9), Bytes("MM\0*\xFF\xFF\xFF\xFF", 8),
                            Bytes("MM"), Bytes(3000, '\xFF')})
    EXPECT_EQ(decoded(with_exif(jpeg(image), tiff)).width, 64);
}

TEST(DecodeTest, LevelsAreTheHalvesRoundedUp) {
  const Image image = picture(333, 201);
  for (const Bytes& bytes : {jpeg(image), encode_png(image), webp(image)}) {
    auto photo = Photo::open(bytes);
    ASSERT_TRUE(photo);
    Image expected = image;
    for (std::int32_t level = 0; level < Photo::kLevels; ++level) {
      const Image straight = decoded(bytes, level);
      const auto after_finer = photo->level(level);
      ASSERT_TRUE(after_finer);
      EXPECT_EQ(straight.width, expected.width) << level;
      EXPECT_EQ(straight.height, expected.height) << level;
      if (level < 5) {  // beyond, a handful of pixels, most of them of the odd border
        EXPECT_LT(mean_difference(straight, expected), 3) << level;
        EXPECT_LT(mean_difference(**after_finer, expected), 3) << level;
      }
      expected = halve(expected);
    }
  }
}

TEST(DecodeTest, RefusesWhatIsNoPhoto) {
  EXPECT_EQ(refusal(""), "empty");
  EXPECT_EQ(refusal("hello"), "not_an_image");
  EXPECT_EQ(refusal(Bytes(1000, '\0')), "not_an_image");
  EXPECT_EQ(refusal("GIF89a......................"), "unsupported_format");
  EXPECT_EQ(refusal(Bytes("\0\0\0\x18"
                          "ftypheic....",
                          16)),
            "unsupported_format");
  const auto heic =
      Photo::open(BytesView("\0\0\0\x18"
                            "ftypheic....",
                            16));
  EXPECT_NE(heic.error().message.find("HEIC"), std::string::npos);
  EXPECT_EQ(refusal("\xFF\xD8\xFF"), "truncated");
}

TEST(DecodeTest, RefusesAPhotoThatIsCutAnywhere) {
  Image image = picture(250, 250);
  std::mt19937 random(5);
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(value + random() % 32);
  for (const Bytes& whole : {jpeg(image), jpeg(image, TJFLAG_PROGRESSIVE),
                             with_exif(jpeg(image), tiff_with_orientation(6)), encode_png(image), webp(image)}) {
    EXPECT_EQ(refusal(whole), "");
    for (std::size_t part = 1; part < 16; ++part)
      EXPECT_EQ(refusal(BytesView(whole).substr(0, whole.size() * part / 16)), "truncated") << part;
    EXPECT_EQ(refusal(BytesView(whole).substr(0, whole.size() - 1)), "truncated");
    EXPECT_EQ(refusal(BytesView(whole).substr(0, 20)), "truncated");
  }
}

TEST(DecodeTest, RefusesHugePhotosByTheirHeaderAlone) {
  Bytes huge = jpeg(picture(16, 16));
  const std::size_t frame = huge.find("\xFF\xC0");
  ASSERT_NE(frame, Bytes::npos);
  huge.replace(frame + 5, 4, "\xC3\x50\xC3\x50");  // 50,000 each
  EXPECT_EQ(refusal(huge), "too_many_pixels");
  EXPECT_EQ(refusal(BytesView(huge).substr(0, frame + 20)), "too_many_pixels") << "whatever follows";

  Bytes flat = encode_png(picture(16, 16));
  flat.replace(16, 8, Bytes("\0\0\xC3\x50\0\0\xC3\x50", 8));
  EXPECT_EQ(refusal(flat), "too_many_pixels");
  flat.replace(16, 8, Bytes("\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF", 8));
  EXPECT_EQ(refusal(flat), "too_many_pixels");
}

TEST(DecodeTest, RefusesAHeaderThatPromisesMoreThanTheBytesCanHold) {
  Bytes promising = jpeg(picture(16, 16));
  promising.replace(promising.find("\xFF\xC0") + 5, 4, "\x27\x10\x27\x10");  // 10,000 each: within the limit
  EXPECT_EQ(refusal(promising), "truncated");
}

TEST(DecodeTest, RefusesAJpegOfEndlessScans) {
  const Bytes whole = jpeg(picture(64, 64), TJFLAG_PROGRESSIVE);
  const std::size_t scan = whole.rfind("\xFF\xDA");
  const Bytes last = whole.substr(scan, whole.size() - 2 - scan);
  Bytes endless = whole.substr(0, whole.size() - 2);
  for (std::size_t i = 0; i < limits::kJpegScans; ++i) endless += last;
  EXPECT_EQ(refusal(endless + "\xFF\xD9"), "unsupported_format");
}

TEST(DecodeTest, RefusesAnimatedWebp) {
  Bytes animated("RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0\x0F\0\0\x0F\0\0", 30);
  animated += Bytes("ANIM\x06\0\0\0\0\0\0\0\0\0", 14);
  animated[4] = static_cast<char>(animated.size() - 8);
  EXPECT_EQ(refusal(animated), "unsupported_format");
}

TEST(DecodeTest, DamagedBytesAreAnAnswerNotACrash) {
  const Image image = picture(60, 45);
  std::mt19937 random(7);
  for (const Bytes& whole : {with_exif(jpeg(image), tiff_with_orientation(5)), jpeg(image, TJFLAG_PROGRESSIVE),
                             cmyk_jpeg(image), encode_png(image), webp(image)})
    for (int round = 0; round < 300; ++round) {
      Bytes damaged = whole;
      for (std::uint32_t hits = 1 + random() % 8; hits > 0; --hits)
        damaged[random() % damaged.size()] = static_cast<char>(random());
      if (random() % 4 == 0) damaged.resize(random() % damaged.size());
      auto photo = Photo::open(damaged);
      if (!photo) {
        EXPECT_EQ(photo.error().code, Code::kInvalidInput);
        EXPECT_FALSE(photo.error().reason.empty());
        continue;
      }
      for (const std::int32_t level : {2, 0}) {
        const auto pixels = photo->level(level);
        if (!pixels) {
          EXPECT_FALSE(pixels.error().reason.empty());
        } else {
          EXPECT_EQ((*pixels)->pixels.size(), static_cast<std::size_t>(3) * (*pixels)->width * (*pixels)->height);
        }
      }
    }
}

}  // namespace
}  // namespace facefleet::vision
