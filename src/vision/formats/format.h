// What a file format must offer so that decode.cc can read it: one row of a table each.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "vision/image.h"

namespace facefleet::vision {

// What is known of a photo before a pixel of it is decoded.
struct PhotoHeader {
  std::int64_t width = 0, height = 0;  // as stored, before any orientation
  BytesView exif;                      // a TIFF structure (no "Exif\0\0" before it); empty if there is none
  bool complete = false;               // the bytes reach the end of the picture
};

// Pure functions over bytes that a stranger sent. Errors: kInvalidInput with a reason of Pipeline::analyse.
struct Format {
  std::string_view name;  // "JPEG"
  bool (*recognises)(BytesView bytes);
  // Follows the structure to the end of the picture and decodes nothing. A success has a width and a height above 0.
  Result<PhotoHeader> (*read_header)(BytesView bytes);
  // The pixels, as stored, at 1/2^level of the size, rounded up; 0 ≤ level ≤ level_max. Refuses a picture whose size is
  // not the header's, which was checked against the limits.
  Result<Image> (*decode)(BytesView bytes, const PhotoHeader& header, std::int32_t level);
  std::int32_t level_max;  // the largest level that decode() offers
};

extern const Format kJpeg;
extern const Format kPng;
extern const Format kWebp;

// The errors that the formats share, worded once.
Error truncated(std::string_view format);
Error undecodable(std::string_view format, std::string_view detail);
Error unsupported(std::string_view sentence);

}  // namespace facefleet::vision
