#include "gallery/search.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace facefleet::gallery {
namespace {

constexpr float kBelowAnyCosine = -2;
// Covers the rounding of the bound's few float operations, and lengths that differ from 1 in the last bits.
constexpr float kBoundSlack = 1e-5F;
// Templates are unit length to within kUnitLengthTolerance (gallery.h); the bound holds up to this length.
constexpr float kTemplateLengthMax = 1.002F;
// How far ahead of its loads the scan asks for memory: the best of 1, 2, 4 and 8 kB (search_bench.cc).
constexpr std::size_t kPrefetchBytes = 4096;

std::int32_t pack_bytes(const std::int8_t* codes) {
  std::uint32_t packed = 0;
  for (std::size_t i = 0; i < kChunkDimensions; ++i)
    packed |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(codes[i])) << (8 * i);
  return static_cast<std::int32_t>(packed);
}

std::int32_t pack_words(std::int8_t low, std::int8_t high) {
  const auto low_word = static_cast<std::uint32_t>(static_cast<std::uint16_t>(std::int16_t{low}));
  const auto high_word = static_cast<std::uint32_t>(static_cast<std::uint16_t>(std::int16_t{high}));
  return static_cast<std::int32_t>(low_word | high_word << 16);
}

void scan_scalar(const std::uint8_t* codes, std::size_t groups, std::span<const Query* const> queries,
                 std::int32_t* dots) {
  const std::size_t chunks = queries[0]->chunks();
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto* query = reinterpret_cast<const std::int8_t*>(queries[q]->bytes());
    for (std::size_t group = 0; group < groups; ++group) {
      const std::uint8_t* at = codes + group * chunks * kGroupChunkBytes;
      std::array<std::int32_t, kGroupRows> sums;
      sums.fill(-queries[q]->offset());
      for (std::size_t chunk = 0; chunk < chunks; ++chunk)
        for (std::size_t row = 0; row < kGroupRows; ++row)
          for (std::size_t i = 0; i < kChunkDimensions; ++i) sums[row] += *at++ * query[chunk * kChunkDimensions + i];
      std::copy(sums.begin(), sums.end(), dots + q * kBlockRows + group * kGroupRows);
    }
  }
}

// Eight rows a register. vpmaddubsw would saturate at full-range codes, so the even and the odd bytes of each row are
// widened to 16 bits in place and multiplied apart.
template <std::size_t kQueries>
__attribute__((target("avx2"))) void scan_avx2(const std::uint8_t* codes, std::size_t groups,
                                               std::span<const Query* const> queries, std::int32_t* dots) {
  const std::size_t chunks = queries[0]->chunks();
  const __m256i low_bytes = _mm256_set1_epi16(0x00FF);
  for (std::size_t half = 0; half < groups * 2; ++half) {
    const std::uint8_t* at = codes + half / 2 * chunks * kGroupChunkBytes + half % 2 * (kGroupChunkBytes / 2);
    __m256i sums[kQueries];
    for (std::size_t q = 0; q < kQueries; ++q) sums[q] = _mm256_set1_epi32(-queries[q]->offset());
    for (std::size_t chunk = 0; chunk < chunks; ++chunk, at += kGroupChunkBytes) {
      _mm_prefetch(reinterpret_cast<const char*>(at + kPrefetchBytes), _MM_HINT_T0);
      const __m256i rows = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
      const __m256i even = _mm256_and_si256(rows, low_bytes);
      const __m256i odd = _mm256_srli_epi16(rows, 8);
      for (std::size_t q = 0; q < kQueries; ++q) {
        const __m256i even_query = _mm256_set1_epi32(queries[q]->even()[chunk]);
        const __m256i odd_query = _mm256_set1_epi32(queries[q]->odd()[chunk]);
        sums[q] = _mm256_add_epi32(sums[q], _mm256_madd_epi16(even, even_query));
        sums[q] = _mm256_add_epi32(sums[q], _mm256_madd_epi16(odd, odd_query));
      }
    }
    for (std::size_t q = 0; q < kQueries; ++q)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(dots + q * kBlockRows + half * 8), sums[q]);
  }
}

// A whole group a register. The rows are read strictly in order, which is what the memory likes best; with few queries
// each has several sums, one for every kSums-th chunk, so that enough of them are under way to hide the instruction's
// latency.
template <std::size_t kQueries>
__attribute__((target("avx512f,avx512bw,avx512vnni"))) void scan_vnni(const std::uint8_t* codes, std::size_t groups,
                                                                      std::span<const Query* const> queries,
                                                                      std::int32_t* dots) {
  constexpr std::size_t kSums = kQueries == 1 ? 4 : kQueries <= 3 ? 2 : 1;
  const std::size_t chunks = queries[0]->chunks();
  const std::int32_t* words[kQueries];
  for (std::size_t q = 0; q < kQueries; ++q) words[q] = queries[q]->bytes();
  const std::uint8_t* at = codes;
  for (std::size_t group = 0; group < groups; ++group) {
    __m512i sums[kQueries][kSums];
    for (std::size_t q = 0; q < kQueries; ++q) {
      sums[q][0] = _mm512_set1_epi32(-queries[q]->offset());
      for (std::size_t s = 1; s < kSums; ++s) sums[q][s] = _mm512_setzero_si512();
    }
    std::size_t chunk = 0;
    for (; chunk + kSums <= chunks; chunk += kSums) {
      for (std::size_t s = 0; s < kSums; ++s, at += kGroupChunkBytes) {
        _mm_prefetch(reinterpret_cast<const char*>(at + kPrefetchBytes), _MM_HINT_T0);
        const __m512i rows = _mm512_loadu_si512(at);
        for (std::size_t q = 0; q < kQueries; ++q)
          sums[q][s] = _mm512_dpbusd_epi32(sums[q][s], rows, _mm512_set1_epi32(words[q][chunk + s]));
      }
    }
    for (; chunk < chunks; ++chunk, at += kGroupChunkBytes) {
      const __m512i rows = _mm512_loadu_si512(at);
      for (std::size_t q = 0; q < kQueries; ++q)
        sums[q][0] = _mm512_dpbusd_epi32(sums[q][0], rows, _mm512_set1_epi32(words[q][chunk]));
    }
    for (std::size_t q = 0; q < kQueries; ++q) {
      for (std::size_t s = 1; s < kSums; ++s) sums[q][0] = _mm512_add_epi32(sums[q][0], sums[q][s]);
      _mm512_storeu_si512(dots + q * kBlockRows + group * kGroupRows, sums[q][0]);
    }
  }
}

using Scan = void (*)(const std::uint8_t*, std::size_t, std::span<const Query* const>, std::int32_t*);
constexpr std::array<Scan, kQueriesPerPass> kScanAvx2 = {scan_avx2<1>, scan_avx2<2>, scan_avx2<3>, scan_avx2<4>,
                                                         scan_avx2<5>, scan_avx2<6>, scan_avx2<7>, scan_avx2<8>};
constexpr std::array<Scan, kQueriesPerPass> kScanVnni = {scan_vnni<1>, scan_vnni<2>, scan_vnni<3>, scan_vnni<4>,
                                                         scan_vnni<5>, scan_vnni<6>, scan_vnni<7>, scan_vnni<8>};

// A row can matter if scale · (slope · dot + intercept) ≥ least.
struct Bound {
  float slope, intercept, least;
};

// Which rows of a block can matter: a word of bits for each group. False if none can.
using Select = bool (*)(const std::int32_t* dots, const float* scales, std::size_t groups, const Bound& bound,
                        std::uint16_t* bits);

bool select_scalar(const std::int32_t* dots, const float* scales, std::size_t groups, const Bound& bound,
                   std::uint16_t* bits) {
  bool any = false;
  for (std::size_t group = 0; group < groups; ++group) {
    bits[group] = 0;
    for (std::size_t i = 0; i < kGroupRows; ++i) {
      const std::size_t row = group * kGroupRows + i;
      const float most = scales[row] * (bound.slope * static_cast<float>(dots[row]) + bound.intercept);
      if (most < bound.least) continue;
      bits[group] |= static_cast<std::uint16_t>(1U << i);
      any = true;
    }
  }
  return any;
}

__attribute__((target("avx2,fma"))) bool select_avx2(const std::int32_t* dots, const float* scales, std::size_t groups,
                                                     const Bound& bound, std::uint16_t* bits) {
  const __m256 slope = _mm256_set1_ps(bound.slope), intercept = _mm256_set1_ps(bound.intercept);
  const __m256 least = _mm256_set1_ps(bound.least);
  std::uint32_t any = 0;
  for (std::size_t group = 0; group < groups; ++group) {
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < kGroupRows; i += 8, dots += 8, scales += 8) {
      const __m256 dot = _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(dots)));
      const __m256 most = _mm256_mul_ps(_mm256_loadu_ps(scales), _mm256_fmadd_ps(slope, dot, intercept));
      mask |= static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(most, least, _CMP_GE_OQ))) << i;
    }
    bits[group] = static_cast<std::uint16_t>(mask);
    any |= mask;
  }
  return any != 0;
}

__attribute__((target("avx512f"))) bool select_avx512(const std::int32_t* dots, const float* scales, std::size_t groups,
                                                      const Bound& bound, std::uint16_t* bits) {
  const __m512 slope = _mm512_set1_ps(bound.slope), intercept = _mm512_set1_ps(bound.intercept);
  const __m512 least = _mm512_set1_ps(bound.least);
  std::uint32_t any = 0;
  for (std::size_t group = 0; group < groups; ++group, dots += kGroupRows, scales += kGroupRows) {
    // The masked form, because gcc 12 takes the other's deliberately undefined operand for an error (GCC bug 105593).
    const __m512 dot = _mm512_maskz_cvtepi32_ps(0xFFFF, _mm512_loadu_si512(dots));
    const __m512 most = _mm512_mul_ps(_mm512_loadu_ps(scales), _mm512_fmadd_ps(slope, dot, intercept));
    bits[group] = _mm512_cmp_ps_mask(most, least, _CMP_GE_OQ);
    any |= bits[group];
  }
  return any != 0;
}

Select select_for(Isa isa) {
  switch (isa) {
    case Isa::kVnni: return select_avx512;
    case Isa::kAvx2: return select_avx2;
    case Isa::kScalar: break;
  }
  return select_scalar;
}

// Reads the floats of those rows of one block that can matter to one query.
void rerank(const Rows& rows, std::size_t first_row, std::size_t groups, const Query& query, const std::int32_t* dots,
            Select select, BestPersons& best) {
  Bound bound{.slope = query.scale(), .intercept = (query.length() + query.error()) * rows.error_ratio, .least = 0};
  const float rest = query.error() * kTemplateLengthMax + kBoundSlack;
  bound.least = best.threshold() - rest;
  std::array<std::uint16_t, kBlockGroups> selected;
  if (!select(dots, rows.scales + first_row, groups, bound, selected.data())) return;
  for (std::size_t group = 0; group < groups; ++group) {
    const std::size_t group_row = first_row + group * kGroupRows;
    std::uint32_t bits = selected[group];
    for (; bits != 0; bits &= bits - 1) {
      const auto lane = static_cast<std::size_t>(__builtin_ctz(bits));
      const std::size_t row = group_row + lane;
      if (row >= rows.count) break;  // padding of the last group
      const std::string_view person = rows.persons.name(rows.persons.of_row(row));
      const float most =
          rows.scales[row] * (bound.slope * static_cast<float>(dots[group * kGroupRows + lane]) + bound.intercept);
      if (most < bound.least || most + rest < best.best_of(person)) continue;
      best.offer(person, similarity(query.vector().data(), rows.embeddings + row * rows.dimensions, rows.dimensions));
      bound.least = best.threshold() - rest;
    }
  }
}

}  // namespace

bool supports(Isa isa) {
  switch (isa) {
    case Isa::kVnni: return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
    case Isa::kAvx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::kScalar: break;
  }
  return true;
}

Isa best_isa() {
  if (supports(Isa::kVnni)) return Isa::kVnni;
  return supports(Isa::kAvx2) ? Isa::kAvx2 : Isa::kScalar;
}

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kVnni: return "avx512_vnni";
    case Isa::kAvx2: return "avx2";
    case Isa::kScalar: break;
  }
  return "scalar";
}

Quantised quantise(std::span<const float> vector) {
  Quantised out;
  out.codes.assign(chunks_of(vector.size()) * kChunkDimensions, 0);
  float largest = 0;
  for (const float x : vector) largest = std::max(largest, std::abs(x));
  if (largest == 0) return out;
  out.scale = largest / 127;
  double error_squared = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const long code = std::clamp(std::lround(vector[i] / out.scale), -127L, 127L);
    out.codes[i] = static_cast<std::int8_t>(code);
    const double left = double{vector[i]} - double{out.scale} * static_cast<double>(code);
    error_squared += left * left;
  }
  out.error = std::nextafter(static_cast<float>(std::sqrt(error_squared)), std::numeric_limits<float>::max());
  return out;
}

void place_codes(std::span<const std::int8_t> row_codes, std::size_t row, std::uint8_t* codes) {
  std::uint8_t* at = codes + row / kGroupRows * (row_codes.size() / kChunkDimensions) * kGroupChunkBytes +
                     row % kGroupRows * kChunkDimensions;
  for (std::size_t i = 0; i < row_codes.size(); ++i)
    at[i / kChunkDimensions * kGroupChunkBytes + i % kChunkDimensions] =
        static_cast<std::uint8_t>(row_codes[i] + kCodeZero);
}

Query::Query(std::vector<float> vector) : vector_(std::move(vector)) {
  const Quantised quantised = quantise(vector_);
  scale_ = quantised.scale;
  error_ = quantised.error;
  length_ = std::sqrt(std::max(0.0F, similarity(vector_.data(), vector_.data(), vector_.size())));
  for (std::size_t at = 0; at < quantised.codes.size(); at += kChunkDimensions) {
    const std::int8_t* codes = quantised.codes.data() + at;
    bytes_.push_back(pack_bytes(codes));
    even_.push_back(pack_words(codes[0], codes[2]));
    odd_.push_back(pack_words(codes[1], codes[3]));
    for (std::size_t i = 0; i < kChunkDimensions; ++i) offset_ += codes[i] * kCodeZero;
  }
}

void scan(Isa isa, const std::uint8_t* codes, std::size_t groups, std::span<const Query* const> queries,
          std::int32_t* dots) {
  switch (isa) {
    case Isa::kVnni: return kScanVnni[queries.size() - 1](codes, groups, queries, dots);
    case Isa::kAvx2: return kScanAvx2[queries.size() - 1](codes, groups, queries, dots);
    case Isa::kScalar: return scan_scalar(codes, groups, queries, dots);
  }
}

float similarity(const float* a, const float* b, std::size_t dimensions) {
  std::array<double, 4> sums{};
  std::size_t i = 0;
  for (; i + 4 <= dimensions; i += 4)
    for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += double{a[i + lane]} * double{b[i + lane]};
  for (; i < dimensions; ++i) sums[0] += double{a[i]} * double{b[i]};
  return static_cast<float>((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

std::size_t PersonTable::of_row(std::size_t row) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(starts, row) - starts.begin()) - 1;
}

float BestPersons::threshold() const {
  return entries_.size() < persons_max_ ? kBelowAnyCosine : entries_.back().similarity;
}

float BestPersons::best_of(std::string_view person) const {
  const auto entry = std::ranges::find(entries_, person, &Entry::person);
  return entry == entries_.end() ? kBelowAnyCosine : entry->similarity;
}

void BestPersons::offer(std::string_view person, float similarity) {
  const auto better = [](const Entry& a, const Entry& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.person < b.person;
  };
  const Entry offered{person, similarity};
  const auto known = std::ranges::find(entries_, person, &Entry::person);
  if (known != entries_.end()) {
    if (!better(offered, *known)) return;
    entries_.erase(known);
  }
  entries_.insert(std::ranges::upper_bound(entries_, offered, better), offered);
  if (entries_.size() > persons_max_) entries_.pop_back();
}

std::vector<Match> BestPersons::matches() const {
  std::vector<Match> matches;
  matches.reserve(entries_.size());
  for (const Entry& entry : entries_) matches.push_back({std::string(entry.person), entry.similarity});
  return matches;
}

void search_rows(Isa isa, const Rows& rows, std::span<const Query> queries, std::span<BestPersons> best) {
  const Select select = select_for(isa);
  const std::size_t group_bytes = chunks_of(rows.dimensions) * kGroupChunkBytes;
  std::array<std::int32_t, kQueriesPerPass * kBlockRows> dots;
  for (std::size_t first = 0; first < queries.size(); first += kQueriesPerPass) {
    std::array<const Query*, kQueriesPerPass> pass{};
    const std::size_t count = std::min(kQueriesPerPass, queries.size() - first);
    for (std::size_t q = 0; q < count; ++q) pass[q] = &queries[first + q];
    for (std::size_t row = 0; row < rows.count; row += kBlockRows) {
      const std::size_t groups = std::min(kBlockGroups, groups_of(rows.count - row));
      scan(isa, rows.codes + row / kGroupRows * group_bytes, groups, {pass.data(), count}, dots.data());
      for (std::size_t q = 0; q < count; ++q)
        rerank(rows, row, groups, *pass[q], dots.data() + q * kBlockRows, select, best[first + q]);
    }
  }
}

}  // namespace facefleet::gallery
