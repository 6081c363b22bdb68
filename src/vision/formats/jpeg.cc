#include <turbojpeg.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/limits.h"
#include "vision/formats/format.h"

namespace facefleet::vision {
namespace {

struct CloseHandle {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, CloseHandle>;

const unsigned char* data_of(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// Follows the markers (ITU-T T.81 annex B) to the end of the picture. libjpeg itself paints what is missing grey and
// only warns, and keeps no more than its first warning, so the end is looked for here.
Result<PhotoHeader> read_header(BytesView bytes) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  const auto word = [&](std::size_t at) { return std::size_t{data_of(bytes)[at]} << 8 | data_of(bytes)[at + 1]; };
  PhotoHeader out;
  std::size_t scans = 0;
  for (std::size_t at = 2;;) {
    at = bytes.find('\xFF', at);
    while (at < bytes.size() && bytes[at] == '\xFF') ++at;
    if (at >= bytes.size()) break;
    const auto marker = data_of(bytes)[at++];
    out.complete = marker == 0xD9;
    if (out.complete) break;
    if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;  // stuffed byte, TEM, RSTn, SOI: no length
    if (at + 2 > bytes.size() || word(at) < 2 || at + word(at) > bytes.size()) break;
    const BytesView segment = bytes.substr(at + 2, word(at) - 2);
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame && out.width == 0 && segment.size() >= 5) {
      out.height = static_cast<std::int64_t>(word(at + 3));
      out.width = static_cast<std::int64_t>(word(at + 5));
    }
    if (marker == 0xE1 && out.exif.empty() && segment.starts_with(kExif)) out.exif = segment.substr(kExif.size());
    if (marker == 0xDA) ++scans;
    at += word(at);
  }
  if (out.width == 0 || out.height == 0) {
    if (!out.complete) return truncated("JPEG");
    return undecodable("JPEG", "it has no pixels");
  }
  // Every 8x8 block costs at least one bit. Checked before libjpeg reserves memory for blocks that cannot be there.
  constexpr std::int64_t kPixelsPerByteMax = 64 * 8;
  if (out.width * out.height / kPixelsPerByteMax > static_cast<std::int64_t>(bytes.size())) out.complete = false;
  if (scans > limits::kJpegScans) return unsupported("the JPEG has more scans than any encoder writes; save it again");
  return out;
}

// Adobe's CMYK is stored inverted, and so is every CMYK JPEG in practice: 255 is no ink.
Image rgb_from_cmyk(const Image& size, const std::vector<std::uint8_t>& cmyk) {
  Image out{size.width, size.height, std::vector<std::uint8_t>(cmyk.size() / 4 * 3)};
  for (std::size_t from = 0, to = 0; from < cmyk.size(); from += 4, to += 3)
    for (std::size_t ink = 0; ink < 3; ++ink)
      out.pixels[to + ink] = static_cast<std::uint8_t>((cmyk[from + ink] * cmyk[from + 3] + 127) / 255);
  return out;
}

Result<Image> decode(BytesView bytes, const PhotoHeader& header, std::int32_t level) {
  const Handle handle(tjInitDecompress());
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (!handle ||
      tjDecompressHeader3(handle.get(), data_of(bytes), bytes.size(), &width, &height, &subsampling, &colours) != 0)
    return undecodable("JPEG", tjGetErrorStr2(handle.get()));
  if (width != header.width || height != header.height) return undecodable("JPEG", "it holds two sizes");
  const tjscalingfactor scale{1, 1 << level};
  Image out{TJSCALED(width, scale), TJSCALED(height, scale), {}};
  const bool cmyk = colours == TJCS_CMYK || colours == TJCS_YCCK;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(cmyk ? 4 : 3) * static_cast<std::size_t>(out.width) *
                                   static_cast<std::size_t>(out.height));
  const int status = tjDecompress2(handle.get(), data_of(bytes), bytes.size(), pixels.data(), out.width, 0, out.height,
                                   cmyk ? TJPF_CMYK : TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
  // A warning is a blemish (a bad code, bytes between segments) that decoders mend; viewers show such photos too.
  if (status != 0 && tjGetErrorCode(handle.get()) != TJERR_WARNING)
    return undecodable("JPEG", tjGetErrorStr2(handle.get()));
  if (cmyk) return rgb_from_cmyk(out, pixels);
  out.pixels = std::move(pixels);
  return out;
}

bool recognises(BytesView bytes) { return bytes.starts_with("\xFF\xD8\xFF"); }

}  // namespace

// libjpeg-turbo's reduced inverse transforms; 1/2, 1/4 and 1/8 are the vectorised ones.
const Format kJpeg{"JPEG", recognises, read_header, decode, 3};

}  // namespace facefleet::vision
