#include <webp/decode.h>

#include <string>

#include "vision/formats/format.h"

namespace facefleet::vision {
namespace {

const std::uint8_t* data_of(BytesView bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

std::size_t little_endian(BytesView bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = 4; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

bool recognises(BytesView bytes) {
  return bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP";
}

// The payload of the RIFF chunk of that type; empty if there is none (WebP container specification).
BytesView find_chunk(BytesView bytes, BytesView type) {
  constexpr std::size_t kFirst = 12, kHead = 8;
  for (std::size_t at = kFirst; at + kHead <= bytes.size();) {
    const std::size_t length = little_endian(bytes, at + 4);
    if (length > bytes.size() - at - kHead) return {};
    if (bytes.substr(at, 4) == type) return bytes.substr(at + kHead, length);
    at += kHead + length + length % 2;
  }
  return {};
}

Result<PhotoHeader> read_header(BytesView bytes) {
  WebPBitstreamFeatures features{};
  const VP8StatusCode status = WebPGetFeatures(data_of(bytes), bytes.size(), &features);
  if (status == VP8_STATUS_NOT_ENOUGH_DATA) return truncated("WebP");
  if (status != VP8_STATUS_OK || features.width <= 0 || features.height <= 0)
    return undecodable("WebP", "its header is damaged");
  if (features.has_animation != 0) return unsupported("the WebP is animated; send one picture of it as JPEG or PNG");
  PhotoHeader out{features.width, features.height, find_chunk(bytes, "EXIF"), false};
  if (out.exif.starts_with(std::string_view("Exif\0\0", 6)))
    out.exif.remove_prefix(6);  // some writers keep JPEG's prefix
  out.complete =
      little_endian(bytes, 4) <= bytes.size() - 8;  // the size in the RIFF head leaves out its own eight bytes
  return out;
}

Result<Image> decode(BytesView bytes, const PhotoHeader& header, std::int32_t) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return Error{Code::kInternal, "libwebp is of another version", ""};
  if (WebPGetFeatures(data_of(bytes), bytes.size(), &config.input) != VP8_STATUS_OK)
    return undecodable("WebP", "its header is damaged");
  if (config.input.width != header.width || config.input.height != header.height)
    return undecodable("WebP", "it holds two sizes");
  const bool alpha = config.input.has_alpha != 0;
  const std::size_t channels = alpha ? 4 : 3;
  Image out{config.input.width, config.input.height, {}};
  const std::size_t count = static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height);
  std::vector<std::uint8_t> pixels(channels * count);
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {pixels.data(), static_cast<int>(channels) * out.width, pixels.size()};
  const VP8StatusCode status = WebPDecode(data_of(bytes), bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status == VP8_STATUS_SUSPENDED || status == VP8_STATUS_NOT_ENOUGH_DATA) return truncated("WebP");
  if (status != VP8_STATUS_OK) return undecodable("WebP", "its pixels are damaged");
  if (!alpha) {
    out.pixels = std::move(pixels);
    return out;
  }
  out.pixels.resize(3 * count);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t channel = 0; channel < 3; ++channel) {  // on white, as PNG's
      const std::int32_t opacity = pixels[4 * i + 3];
      out.pixels[3 * i + channel] =
          static_cast<std::uint8_t>((pixels[4 * i + channel] * opacity + 255 * (255 - opacity) + 127) / 255);
    }
  return out;
}

}  // namespace

const Format kWebp{"WebP", recognises, read_header, decode, 0};

}  // namespace facefleet::vision
