#include "gallery/manifest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"

namespace facefleet::gallery {
namespace {

const std::string kName(64, 'a');

TEST(Manifest, GivesBackWhatWasPutIn) {
  Manifest manifest;
  manifest.version = 42;
  manifest.model = "sface@0ba9fbfa";
  manifest.dimensions = 128;
  manifest.segments = {{kName, 3, 9'000'000'000, 4096}};
  manifest.retired = {{std::string(64, 'b'), 1'700'000'000'000}};
  const Manifest back = decode_manifest(encode(manifest)).value();
  EXPECT_EQ(encode(back), encode(manifest));
  EXPECT_EQ(back.segments[0].bytes, 9'000'000'000U);
  EXPECT_TRUE(back.exists());
}

TEST(Manifest, RefusesWhatItCannotRead) {
  const Bytes good = encode(Manifest{});
  for (const std::string_view bad : {"", "[]", "{}", R"({"format":2})"})
    EXPECT_EQ(decode_manifest(bad).error().code, Code::kCorrupt) << bad;
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode_manifest(good.substr(0, size)));
}

TEST(Manifest, RefusesASegmentNameThatIsAPath) {
  Manifest manifest;
  manifest.segments = {{"../../etc/passwd", 1, 1, 1}};
  EXPECT_EQ(decode_manifest(encode(manifest)).error().code, Code::kCorrupt);
}

TEST(Manifest, MergesTheSmallestOnceThereAreTooMany) {
  std::vector<SegmentEntry> segments(limits::kGallerySmallSegments, {kName, 1, 1'000, 900});
  EXPECT_TRUE(segments_to_merge(segments).empty());
  segments.insert(segments.begin(), {kName, 16, 16'000, 14'000});
  const std::vector<std::size_t> merged = segments_to_merge(segments);
  EXPECT_EQ(merged.size(), limits::kGallerySmallSegments);
  EXPECT_EQ(std::ranges::count(merged, 0U), 0) << "the large one stays";
}

TEST(Manifest, NeverMergesBeyondTheFullSize) {
  const std::uint64_t third = limits::kGallerySegmentBytes / 3;
  EXPECT_EQ(segments_to_merge(std::vector<SegmentEntry>(17, {kName, 1, third, 1})).size(), 3U);
  const std::uint64_t large = limits::kGallerySegmentBytes / 2 + 1;
  EXPECT_TRUE(segments_to_merge(std::vector<SegmentEntry>(100, {kName, 1, large, 1})).empty());
}

}  // namespace
}  // namespace facefleet::gallery
