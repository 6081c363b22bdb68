// Exact search over quantised templates: an int8 scan that says how large each similarity can be at most, and a float
// re-rank of those rows that could still matter. What comes out is what a full float search would give.
//
// Why it is exact. A template t (unit length) is kept as codes c in −127…127 and a scale s, so t = s·c + e, where
// |e| ≤ s·r and r is the worst such ratio of its segment. A query q = z·d + f, likewise. Then, by Cauchy and Schwarz,
//
//     q·t = z·s·(d·c) + f·(s·c) + q·e  ≤  s·(z·(d·c) + (|q| + |f|)·r) + |f|·|t|
//
// A row whose right-hand side is below the similarity of the last person in the list cannot enter it, and is left out
// without its floats being read. With 128 dimensions the bound is about 0.014 wide, so a few hundred rows of a million
// are read.
//
// Everything here is pure and thread-safe; nothing owns the memory that it scans.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gallery/template.h"

namespace facefleet::gallery {

// How the codes of rows lie in memory: sixteen rows make a group, and a group stores four dimensions of each of its
// rows, then the next four. So one 512-bit load holds the same four dimensions of sixteen rows, sixteen dot products
// grow side by side in one register, and nothing is summed across lanes. A code is stored as code + 128, because the
// VNNI instruction multiplies unsigned by signed bytes.
inline constexpr std::size_t kGroupRows = 16;
inline constexpr std::size_t kChunkDimensions = 4;
inline constexpr std::size_t kGroupChunkBytes = kGroupRows * kChunkDimensions;
inline constexpr std::uint8_t kCodeZero = 128;

constexpr std::size_t groups_of(std::size_t rows) { return (rows + kGroupRows - 1) / kGroupRows; }
constexpr std::size_t chunks_of(std::size_t dimensions) {
  return (dimensions + kChunkDimensions - 1) / kChunkDimensions;
}
constexpr std::size_t codes_bytes(std::size_t rows, std::size_t dimensions) {
  return groups_of(rows) * chunks_of(dimensions) * kGroupChunkBytes;
}

// The instruction sets that the scan is written for. All of them are in every build; all give the same integers.
enum class Isa { kScalar, kAvx2, kVnni };
Isa best_isa();  // of this processor
bool supports(Isa isa);
std::string_view to_string(Isa isa);

struct Quantised {
  std::vector<std::int8_t> codes;  // padded with zeros to whole chunks
  float scale = 0;                 // vector ≈ scale · codes
  float error = 0;                 // length of what is left, rounded up
};
Quantised quantise(std::span<const float> vector);

// Writes the codes of row `row` to where the layout above wants them; `codes` begins at the first group.
void place_codes(std::span<const std::int8_t> row_codes, std::size_t row, std::uint8_t* codes);

// A vector made ready to be compared with many rows.
class Query {
 public:
  explicit Query(std::vector<float> vector);

  const std::vector<float>& vector() const { return vector_; }
  float scale() const { return scale_; }
  float error() const { return error_; }
  float length() const { return length_; }

  std::size_t chunks() const { return bytes_.size(); }
  const std::int32_t* bytes() const { return bytes_.data(); }  // a chunk: its four codes
  const std::int32_t* even() const { return even_.data(); }    // a chunk: its codes 0 and 2, as 16-bit numbers
  const std::int32_t* odd() const { return odd_.data(); }      // a chunk: its codes 1 and 3
  std::int32_t offset() const { return offset_; }              // what the + 128 of the rows' codes adds to a product

 private:
  std::vector<float> vector_;
  float scale_ = 0, error_ = 0, length_ = 0;
  std::vector<std::int32_t> bytes_, even_, odd_;
  std::int32_t offset_ = 0;
};

inline constexpr std::size_t kQueriesPerPass = 8;
inline constexpr std::size_t kBlockGroups = 16;
inline constexpr std::size_t kBlockRows = kBlockGroups * kGroupRows;

// Dot products of the codes of `groups` (at most kBlockGroups) groups of rows with those of 1 to kQueriesPerPass
// queries: dots[query · kBlockRows + row].
void scan(Isa isa, const std::uint8_t* codes, std::size_t groups, std::span<const Query* const> queries,
          std::int32_t* dots);

// The cosine similarity that decides: a dot product in double precision, summed in one fixed order, so that all
// processors agree to the last bit.
float similarity(const float* a, const float* b, std::size_t dimensions);

// Persons in bytewise order, and which rows are theirs: rows are in order of person. Borrowed.
struct PersonTable {
  std::span<const std::uint32_t> offsets;  // into text; one more than persons
  std::span<const std::uint32_t> starts;   // first rows; one more than persons
  const char* text = nullptr;

  std::size_t size() const { return starts.empty() ? 0 : starts.size() - 1; }
  std::string_view name(std::size_t person) const {
    return {text + offsets[person], offsets[person + 1] - offsets[person]};
  }
  std::size_t of_row(std::size_t row) const;
};

// Rows to be searched, all of one segment. Borrowed.
struct Rows {
  std::size_t count = 0;
  std::size_t dimensions = 0;
  const std::uint8_t* codes = nullptr;  // codes_bytes(count, dimensions)
  const float* scales = nullptr;        // one per row, padded with zeros to whole groups
  const float* embeddings = nullptr;    // count · dimensions
  float error_ratio = 0;                // greatest quantise().error / scale of these rows
  PersonTable persons;
};

// The `persons_max` best persons seen so far: similarity, then name. Not thread-safe.
class BestPersons {
 public:
  explicit BestPersons(std::size_t persons_max) : persons_max_(persons_max) {}

  // The least similarity that could still change the list; below every cosine while the list is not full.
  float threshold() const;
  // What `person` has already, or less than any cosine.
  float best_of(std::string_view person) const;
  void offer(std::string_view person, float similarity);
  std::vector<Match> matches() const;  // best first

 private:
  struct Entry {
    std::string_view person;
    float similarity;
  };
  std::size_t persons_max_;
  std::vector<Entry> entries_;  // best first
};

// Offers to best[i] every row that can change what queries[i] finds. All queries share each pass over the codes, up to
// kQueriesPerPass of them.
void search_rows(Isa isa, const Rows& rows, std::span<const Query> queries, std::span<BestPersons> best);

}  // namespace facefleet::gallery
