// One immutable file of templates. Little-endian; every section begins at a multiple of 64 bytes and has its CRC-32C
// in the section table; rows are in order of person, then photo digest, so that a person's rows are neighbours and
// both are found by bisection.
//
//     header      magic "FFSEGM1\n", counts, dimensions, salt, error ratio, SHA-256 of the chips, section table,
//     CRC-32C codes       int8, as search.h lays them out scales      f32 per row, padded to whole groups of sixteen
//     persons     u32 per person and one more: where its name begins; the same: its first row; then the names, UTF-8,
//                 in bytewise order
//     embeddings  f32, rows · dimensions
//     digests     32 bytes per row: SHA-256 of the photo
//     sources     u32 offset per row and one more; then the file names
//     chip table  u64 offset into the chips, u32 length, u32 CRC-32C per row
//     ----------  the index ends here: what a search needs, and all that machines download and map
//     chips       PNG files one after the other
//
// A segment's name is the SHA-256 of its index; the index names the SHA-256 of the chips, so the name vouches for
// every byte. The random salt makes names unique for ever: a segment deleted because a person was is never confused
// with a later one of the same templates.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "gallery/search.h"
#include "gallery/template.h"

namespace facefleet::gallery {

struct EncodedSegment {
  Bytes bytes;  // the whole object
  std::uint64_t index_bytes = 0;
  std::string sha256;  // of the index, 64 hex digits
};

// `templates`: at least one, all of `dimensions`, none twice (person and photo).
EncodedSegment encode_segment(std::vector<Template> templates, std::uint32_t dimensions, std::uint64_t salt);

// Where a row's chip lies behind the index.
struct ChipPlace {
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  std::uint32_t crc32c = 0;
};

// The index of a segment, over memory that it maps or owns. Immutable, thread-safe.
class Segment {
 public:
  // Maps a file. Checks the header and what every search reads (codes, scales, persons), not the rest, so that
  // opening costs no reading of embeddings. kCorrupt, kNotFound.
  static Result<std::shared_ptr<const Segment>> map(const std::filesystem::path& file);
  // Takes an index's bytes and checks all of them against the name that they should have. kCorrupt.
  static Result<std::shared_ptr<const Segment>> parse(Bytes index, std::string_view sha256);

  const Rows& rows() const { return rows_; }
  const PersonTable& persons() const { return rows_.persons; }
  BytesView bytes() const { return bytes_; }

  struct Range {
    std::size_t first = 0, end = 0;
  };
  Range rows_of(std::string_view person) const;                 // empty if it has none
  bool holds(std::string_view person, BytesView digest) const;  // 32 raw bytes

  Template row(std::size_t row) const;  // without its chip
  ChipPlace chip(std::size_t row) const;

  // All rows with their chips; `chips` is what follows the index in the object. kCorrupt.
  Result<std::vector<Template>> templates(BytesView chips) const;

 private:
  Segment() = default;
  Result<void> load(bool check_all);

  Bytes owned_;
  std::unique_ptr<MappedFile> mapped_;
  BytesView bytes_;
  BytesView chips_sha256_;
  Rows rows_;
  BytesView digests_, sources_, chip_table_;
};

}  // namespace facefleet::gallery
