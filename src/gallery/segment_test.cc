#include "gallery/segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "gallery/names.h"
#include "gallery/testing.h"

namespace facefleet::gallery {
namespace {

constexpr std::uint32_t kDimensions = 8;

std::vector<Template> some_templates() {
  SeededRandom random(1);
  std::vector<Template> templates;
  for (const char* person : {"Zoë", "Ada", "Ada", "Björn"})
    templates.push_back(
        make_template(person, "photo " + std::to_string(templates.size()), random_unit(random, kDimensions)));
  templates[3].chip_png.clear();
  templates[2].source.clear();
  return templates;
}

Result<std::shared_ptr<const Segment>> parse(const EncodedSegment& encoded) {
  return Segment::parse(encoded.bytes.substr(0, encoded.index_bytes), encoded.sha256);
}

TEST(Segment, GivesBackWhatWasPutIn) {
  const std::vector<Template> templates = some_templates();
  const EncodedSegment encoded = encode_segment(templates, kDimensions, 7);
  const auto segment = parse(encoded).value();
  EXPECT_EQ(segment->rows().count, templates.size());
  ASSERT_EQ(segment->persons().size(), 3U);
  EXPECT_EQ(segment->persons().name(0), "Ada");
  EXPECT_EQ(segment->persons().name(1), "Björn");
  EXPECT_EQ(segment->persons().name(2), "Zoë");

  const auto found = segment->templates(BytesView(encoded.bytes).substr(encoded.index_bytes)).value();
  for (const Template& expected : templates) {
    const auto row = std::ranges::find(found, expected.photo_sha256, &Template::photo_sha256);
    ASSERT_NE(row, found.end());
    EXPECT_EQ(row->person, expected.person);
    EXPECT_EQ(row->embedding, expected.embedding);
    EXPECT_EQ(row->source, expected.source);
    EXPECT_EQ(row->chip_png, expected.chip_png);
    EXPECT_TRUE(segment->holds(expected.person, unhex(expected.photo_sha256)));
    EXPECT_FALSE(segment->holds("Nobody", unhex(expected.photo_sha256)));
  }
  EXPECT_FALSE(segment->holds("Ada", unhex(templates[0].photo_sha256))) << "that is Zoë's photo";
  EXPECT_EQ(segment->rows_of("Ada").end - segment->rows_of("Ada").first, 2U);
  EXPECT_EQ(segment->rows_of("Adb").first, segment->rows_of("Adb").end);
}

TEST(Segment, IsNamedAnewEachTime) {
  EXPECT_NE(encode_segment(some_templates(), kDimensions, 1).sha256,
            encode_segment(some_templates(), kDimensions, 2).sha256);
}

TEST(Segment, RefusesAnyChangedByteOfItsIndex) {
  const EncodedSegment encoded = encode_segment(some_templates(), kDimensions, 7);
  const Bytes index = encoded.bytes.substr(0, encoded.index_bytes);
  for (std::size_t at = 0; at < index.size(); ++at) {
    Bytes damaged = index;
    damaged[at] ^= 0x20;
    const auto segment = Segment::parse(damaged, encoded.sha256);
    ASSERT_FALSE(segment) << "byte " << at;
    EXPECT_EQ(segment.error().code, Code::kCorrupt);
  }
}

TEST(Segment, RefusesChangedChips) {
  const EncodedSegment encoded = encode_segment(some_templates(), kDimensions, 7);
  Bytes chips = encoded.bytes.substr(encoded.index_bytes);
  chips[0] ^= 1;
  EXPECT_EQ(parse(encoded).value()->templates(chips).error().code, Code::kCorrupt);
}

// What a fuzzer does at length: whatever the bytes, an error and nothing worse.
TEST(Segment, SurvivesDamageThatItsNameDoesNotBetray) {
  const EncodedSegment encoded = encode_segment(some_templates(), kDimensions, 7);
  const Bytes index = encoded.bytes.substr(0, encoded.index_bytes);
  for (std::size_t at = 0; at < index.size(); ++at) {
    Bytes damaged = index;
    damaged[at] ^= 0x81;
    const auto segment = Segment::parse(damaged, hex(sha256(damaged)));
    // Only the padding between sections is covered by the name alone.
    EXPECT_TRUE(!segment || index[at] == '\0') << "byte " << at;
  }
  for (std::size_t size = 0; size < index.size(); size += 13) {
    const Bytes cut = index.substr(0, size);
    EXPECT_FALSE(Segment::parse(cut, hex(sha256(cut))));
  }
}

TEST(Segment, MappingNoticesDamageToWhatSearchesRead) {
  const EncodedSegment encoded = encode_segment(some_templates(), kDimensions, 7);
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "damaged.seg";
  Bytes index = encoded.bytes.substr(0, encoded.index_bytes);
  ASSERT_TRUE(write_file_atomic(file, index));
  const auto segment = Segment::map(file).value();
  index[static_cast<std::size_t>(reinterpret_cast<const char*>(segment->rows().codes) - segment->bytes().data())] ^= 1;
  ASSERT_TRUE(write_file_atomic(file, index));
  EXPECT_EQ(Segment::map(file).error().code, Code::kCorrupt);
  std::filesystem::remove(file);
  EXPECT_EQ(Segment::map(file).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace facefleet::gallery
