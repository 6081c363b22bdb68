#include "vision/decode.h"

#include <libexif/exif-data.h>

#include <memory>
#include <string>
#include <utility>

#include "base/limits.h"
#include "vision/formats/format.h"
#include "vision/transform.h"

namespace facefleet::vision {
namespace {

constexpr std::array<const Format*, 3> kFormats{&kJpeg, &kPng, &kWebp};

// Formats that people do send and we do not read, so that the answer can name them.
struct Known {
  std::size_t at;
  std::string_view magic, name;
};
constexpr std::array<Known, 9> kUnread{{{4, "ftyphei", "HEIC"},
                                        {4, "ftypmif1", "HEIF"},
                                        {4, "ftypavif", "AVIF"},
                                        {0, "GIF8", "GIF"},
                                        {0, "BM", "BMP"},
                                        {0, std::string_view("II*\0", 4), "TIFF"},
                                        {0, std::string_view("MM\0*", 4), "TIFF"},
                                        {0, std::string_view("\0\0\0\x0CJXL ", 8), "JPEG XL"},
                                        {0, "%PDF-", "PDF"}}};

Result<const Format*> find_format(BytesView bytes) {
  if (bytes.empty()) return Error{Code::kInvalidInput, "the photo is empty; send a JPEG, PNG or WebP file", "empty"};
  for (const Format* format : kFormats)
    if (format->recognises(bytes)) return format;
  for (const Known& known : kUnread)
    if (bytes.size() > known.at && bytes.substr(known.at).starts_with(known.magic))
      return unsupported(std::string(known.name) + " is not read; send the photo as JPEG, PNG or WebP");
  return Error{Code::kInvalidInput, "the bytes are no JPEG, PNG or WebP photo", "not_an_image"};
}

struct FreeExif {
  void operator()(ExifData* data) const { exif_data_unref(data); }
};

// 1 to 8; 1 (upright) where the photo does not say or says nonsense.
std::int32_t read_orientation(BytesView tiff) {
  if (tiff.empty() || tiff.size() > limits::kExifBytes) return 1;
  std::string block("Exif\0\0", 6);
  block.append(tiff);
  const std::unique_ptr<ExifData, FreeExif> data(exif_data_new());
  if (!data) return 1;
  exif_data_unset_option(data.get(), EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
  exif_data_load_data(data.get(), reinterpret_cast<const unsigned char*>(block.data()),
                      static_cast<unsigned int>(block.size()));
  const ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  const std::int32_t orientation = exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

}  // namespace

Error truncated(std::string_view format) {
  return {Code::kInvalidInput, "the " + std::string(format) + " photo is cut off before its end; send the whole file",
          "truncated"};
}

Error undecodable(std::string_view format, std::string_view detail) {
  return {Code::kInvalidInput,
          "the bytes begin as " + std::string(format) + " but cannot be decoded: " + std::string(detail),
          "not_an_image"};
}

Error unsupported(std::string_view sentence) {
  return {Code::kInvalidInput, std::string(sentence), "unsupported_format"};
}

Result<Photo> Photo::open(BytesView bytes) {
  const Result<const Format*> format = find_format(bytes);
  if (!format) return format.error();
  const Result<PhotoHeader> header = (*format)->read_header(bytes);
  if (!header) return header.error();
  if (header->width > static_cast<std::int64_t>(limits::kPhotoPixels) / header->height)
    return Error{Code::kInvalidInput,
                 "the photo has " + std::to_string(header->width) + "x" + std::to_string(header->height) +
                     " pixels; at most " + std::to_string(limits::kPhotoPixels) + " are taken",
                 "too_many_pixels"};
  if (!header->complete) return truncated((*format)->name);
  Photo photo;
  photo.bytes_ = bytes;
  photo.format_ = *format;
  photo.header_ = *header;
  photo.orientation_ = read_orientation(header->exif);
  photo.width_ = static_cast<std::int32_t>(photo.orientation_ > 4 ? header->height : header->width);
  photo.height_ = static_cast<std::int32_t>(photo.orientation_ > 4 ? header->width : header->height);
  return photo;
}

Result<const Image*> Photo::level(std::int32_t level) {
  Image& kept = levels_[static_cast<std::size_t>(level)];
  if (kept.pixels.empty()) {
    Result<Image> made = make(level);
    if (!made) return made.error();
    kept = std::move(*made);
  }
  return &kept;
}

Result<Image> Photo::make(std::int32_t level) {
  for (std::int32_t finer = level - 1; finer >= 0; --finer)
    if (!levels_[static_cast<std::size_t>(finer)].pixels.empty() || finer >= format_->level_max) {
      const Result<const Image*> source = this->level(level - 1);
      if (!source) return source.error();
      return halve(**source);
    }
  Result<Image> stored = format_->decode(bytes_, header_, level);
  if (!stored) return stored;
  return upright(std::move(*stored), orientation_);
}

}  // namespace facefleet::vision
