// <gallery>/manifest.json: one version of a gallery, and which segments must still be deleted. Pure values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::gallery {

struct SegmentEntry {
  std::string sha256;  // of the segment's index: its name
  std::uint64_t templates = 0;
  std::uint64_t bytes = 0;        // the whole object
  std::uint64_t index_bytes = 0;  // the part before the chips
};

// A segment that this version no longer uses. Its object stays until `due_ms`, for readers that began with an older
// version; 0 where a person's bytes must go at once.
struct RetiredSegment {
  std::string sha256;
  std::int64_t due_ms = 0;
};

// A gallery that was removed keeps a manifest without a model, so that its versions go on rising if it comes back: an
// outcome that names a gallery's version never means two states.
struct Manifest {
  std::int64_t version = 0;
  std::string model;  // empty: the gallery does not exist
  std::uint32_t dimensions = 0;
  std::vector<SegmentEntry> segments;
  std::vector<RetiredSegment> retired;

  bool exists() const { return !model.empty(); }
};

Bytes encode(const Manifest& manifest);
// kCorrupt with what is wrong.
Result<Manifest> decode_manifest(BytesView bytes);

std::string manifest_key(std::string_view gallery);
std::string segments_prefix(std::string_view gallery);
std::string segment_key(std::string_view gallery, std::string_view sha256);

// Which segments (as indices) to merge into one now, or none: once there are more than kGallerySmallSegments of at most
// half the full size, the smallest of them. A template is so rewritten about once each time a gallery grows
// sixteenfold.
std::vector<std::size_t> segments_to_merge(const std::vector<SegmentEntry>& segments);

}  // namespace facefleet::gallery
