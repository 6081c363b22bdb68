#include "gallery/manifest.h"

#include <algorithm>
#include <boost/json.hpp>
#include <exception>
#include <numeric>
#include <utility>

#include "base/limits.h"
#include "gallery/names.h"

namespace facefleet::gallery {
namespace {

namespace json = boost::json;

constexpr std::int64_t kFormat = 1;

Error corrupt(std::string_view what) {
  return {Code::kCorrupt, "the gallery's manifest.json cannot be read: " + std::string(what), "corrupt_manifest"};
}

std::string text_at(const json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

template <class Number>
Number number_at(const json::object& object, std::string_view key) {
  return object.at(key).to_number<Number>();
}

// Segment names become file names in the cache, so nothing but digits passes.
std::string segment_name_at(const json::object& object) {
  std::string name = text_at(object, "sha256");
  if (!is_sha256(name)) throw std::runtime_error("a segment's name is not a SHA-256");
  return name;
}

Manifest from_json(const json::object& root) {
  if (number_at<std::int64_t>(root, "format") != kFormat) throw std::runtime_error("it has another format");
  Manifest manifest;
  manifest.version = number_at<std::int64_t>(root, "version");
  manifest.model = text_at(root, "model");
  manifest.dimensions = number_at<std::uint32_t>(root, "dimensions");
  for (const json::value& value : root.at("segments").as_array()) {
    const json::object& entry = value.as_object();
    manifest.segments.push_back({segment_name_at(entry), number_at<std::uint64_t>(entry, "templates"),
                                 number_at<std::uint64_t>(entry, "bytes"),
                                 number_at<std::uint64_t>(entry, "index_bytes")});
  }
  for (const json::value& value : root.at("retired").as_array()) {
    const json::object& entry = value.as_object();
    manifest.retired.push_back({segment_name_at(entry), number_at<std::int64_t>(entry, "due_ms")});
  }
  return manifest;
}

}  // namespace

Bytes encode(const Manifest& manifest) {
  json::array segments, retired;
  for (const SegmentEntry& entry : manifest.segments)
    segments.push_back({{"sha256", entry.sha256},
                        {"templates", entry.templates},
                        {"bytes", entry.bytes},
                        {"index_bytes", entry.index_bytes}});
  for (const RetiredSegment& entry : manifest.retired)
    retired.push_back({{"sha256", entry.sha256}, {"due_ms", entry.due_ms}});
  const json::object root = {{"format", kFormat},
                             {"version", manifest.version},
                             {"model", manifest.model},
                             {"dimensions", manifest.dimensions},
                             {"segments", std::move(segments)},
                             {"retired", std::move(retired)}};
  return json::serialize(root);
}

Result<Manifest> decode_manifest(BytesView bytes) {
  try {
    return from_json(json::parse(bytes).as_object());
  } catch (const std::exception& error) {
    return corrupt(error.what());
  }
}

std::string manifest_key(std::string_view gallery) { return std::string(gallery) + "/manifest.json"; }

std::string segments_prefix(std::string_view gallery) { return std::string(gallery) + "/segments/"; }

std::string segment_key(std::string_view gallery, std::string_view sha256) {
  return segments_prefix(gallery) + std::string(sha256) + ".seg";
}

std::vector<std::size_t> segments_to_merge(const std::vector<SegmentEntry>& segments) {
  std::vector<std::size_t> small(segments.size());
  std::iota(small.begin(), small.end(), std::size_t{0});
  std::erase_if(small, [&](std::size_t i) { return segments[i].bytes > limits::kGallerySegmentBytes / 2; });
  if (small.size() <= limits::kGallerySmallSegments) return {};
  std::ranges::stable_sort(small, {}, [&](std::size_t i) { return segments[i].bytes; });
  std::uint64_t bytes = 0;
  std::size_t taken = 0;
  while (taken < limits::kGallerySmallSegments &&
         (bytes += segments[small[taken]].bytes) <= limits::kGallerySegmentBytes)
    ++taken;
  small.resize(taken);
  return small;
}

}  // namespace facefleet::gallery
