#include <png.h>

#include <memory>
#include <string>

#include "vision/formats/format.h"

namespace facefleet::vision {
namespace {

constexpr std::string_view kSignature("\x89PNG\r\n\x1A\n", 8);

struct FreeImage {
  void operator()(png_image* image) const { png_image_free(image); }
};

std::uint32_t big_endian(BytesView bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

bool recognises(BytesView bytes) { return bytes.starts_with(kSignature); }

// Follows the chunks (PNG, W3C Recommendation, section 5) to IEND, so that a cut is told from damage.
Result<PhotoHeader> read_header(BytesView bytes) {
  PhotoHeader out;
  std::size_t at = kSignature.size();
  for (;;) {
    const std::size_t left = bytes.size() - at;
    if (left < 12 || big_endian(bytes, at) > left - 12) break;
    const std::size_t length = big_endian(bytes, at);
    const BytesView type = bytes.substr(at + 4, 4);
    if (out.width == 0) {
      if (type != "IHDR" || length != 13) return undecodable("PNG", "its first chunk is no header");
      out.width = big_endian(bytes, at + 8);
      out.height = big_endian(bytes, at + 12);
      if (out.width == 0 || out.height == 0) return undecodable("PNG", "it has no pixels");
    }
    if (type == "eXIf") out.exif = bytes.substr(at + 8, length);
    out.complete = type == "IEND";
    if (out.complete) break;
    at += 12 + length;
  }
  if (out.width == 0) return truncated("PNG");
  return out;
}

// libpng's simplified interface turns every depth, palette and grey into 8-bit sRGB; what is transparent is shown on
// white, as a viewer's page would.
Result<Image> decode(BytesView bytes, const PhotoHeader& header, std::int32_t) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) == 0) return undecodable("PNG", png.message);
  const std::unique_ptr<png_image, FreeImage> owner(&png);
  if (png.width != header.width || png.height != header.height) return undecodable("PNG", "it holds two sizes");
  png.format = PNG_FORMAT_RGB;
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // cameras and editors write 16 bits in sRGB, not linear light
  Image out{static_cast<std::int32_t>(png.width), static_cast<std::int32_t>(png.height), {}};
  out.pixels.resize(static_cast<std::size_t>(3) * png.width * png.height);
  const png_color white{255, 255, 255};
  if (png_image_finish_read(&png, &white, out.pixels.data(), 0, nullptr) == 0) return undecodable("PNG", png.message);
  return out;
}

}  // namespace

const Format kPng{"PNG", recognises, read_header, decode, 0};

Bytes encode_png(const Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.format = PNG_FORMAT_RGB;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  Bytes out(size, '\0');
  if (png_image_write_to_memory(&png, out.data(), &size, 0, image.pixels.data(), 0, nullptr) == 0) return {};
  out.resize(size);
  return out;
}

}  // namespace facefleet::vision
