#include "gallery/segment.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/hash.h"
#include "base/limits.h"
#include "gallery/names.h"

namespace facefleet::gallery {
namespace {

constexpr std::string_view kMagic = "FFSEGM1\n";
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kChipEntryBytes = 16;

enum Section : std::uint32_t { kCodes, kScales, kPersons, kEmbeddings, kDigests, kSources, kChipTable, kSections };

struct SectionPlace {
  std::uint64_t offset, bytes;
  std::uint32_t crc32c, reserved;
};

struct Header {
  char magic[8];
  std::uint32_t rows, dimensions, persons, sections;
  std::uint64_t salt, index_bytes, chips_bytes;
  float error_ratio;
  std::uint32_t reserved;
  char chips_sha256[kDigestBytes];
  SectionPlace places[kSections];
  std::uint32_t crc32c;  // of all before
  std::uint32_t reserved_end;
};
static_assert(std::is_trivially_copyable_v<Header> && sizeof(Header) == 264);

std::uint32_t header_crc(const Header& header) {
  return crc32c({reinterpret_cast<const char*>(&header), offsetof(Header, crc32c)});
}

template <class T>
void append(Bytes& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T read_at(BytesView bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof value);
  return value;
}

// Sections begin at multiples of 64 bytes of memory that is itself aligned for any of these types.
template <class T>
const T* as(BytesView bytes) {
  return reinterpret_cast<const T*>(bytes.data());
}

Error corrupt(std::string what) {
  return {Code::kCorrupt, "a gallery segment is damaged: " + std::move(what), "corrupt_segment"};
}

Bytes encode_persons(const std::vector<Template>& templates, std::uint32_t& persons) {
  std::vector<std::uint32_t> offsets, starts;
  Bytes names;
  for (std::size_t row = 0; row < templates.size(); ++row) {
    if (row > 0 && templates[row].person == templates[row - 1].person) continue;
    offsets.push_back(static_cast<std::uint32_t>(names.size()));
    starts.push_back(static_cast<std::uint32_t>(row));
    names += templates[row].person;
  }
  persons = static_cast<std::uint32_t>(starts.size());
  offsets.push_back(static_cast<std::uint32_t>(names.size()));
  starts.push_back(static_cast<std::uint32_t>(templates.size()));
  Bytes bytes;
  for (const std::uint32_t offset : offsets) append(bytes, offset);
  for (const std::uint32_t start : starts) append(bytes, start);
  return bytes + names;
}

struct Vectors {
  Bytes codes, scales, embeddings;
  float error_ratio = 0;
};

Vectors encode_vectors(const std::vector<Template>& templates, std::uint32_t dimensions) {
  Vectors out;
  out.codes.assign(codes_bytes(templates.size(), dimensions), static_cast<char>(kCodeZero));
  for (std::size_t row = 0; row < templates.size(); ++row) {
    const std::vector<float>& embedding = templates[row].embedding;
    const Quantised quantised = quantise(embedding);
    place_codes(quantised.codes, row, reinterpret_cast<std::uint8_t*>(out.codes.data()));
    append(out.scales, quantised.scale);
    out.embeddings.append(reinterpret_cast<const char*>(embedding.data()), embedding.size() * sizeof(float));
    if (quantised.scale > 0) out.error_ratio = std::max(out.error_ratio, quantised.error / quantised.scale);
  }
  out.scales.resize(groups_of(templates.size()) * kGroupRows * sizeof(float));
  return out;
}

// The sizes that a header's counts imply, except where only the section itself knows.
bool sizes_agree(const Header& header) {
  const std::uint64_t rows = header.rows, persons = header.persons;
  const auto bytes = [&](Section section) { return header.places[section].bytes; };
  return rows > 0 && persons > 0 && persons <= rows && header.dimensions > 0 &&
         header.dimensions <= limits::kEmbeddingDimensions && bytes(kCodes) == codes_bytes(rows, header.dimensions) &&
         bytes(kScales) == groups_of(rows) * kGroupRows * sizeof(float) &&
         bytes(kPersons) >= 2 * (persons + 1) * sizeof(std::uint32_t) &&
         bytes(kEmbeddings) == rows * header.dimensions * sizeof(float) && bytes(kDigests) == rows * kDigestBytes &&
         bytes(kSources) >= (rows + 1) * sizeof(std::uint32_t) && bytes(kChipTable) == rows * kChipEntryBytes;
}

// Offsets that begin at zero, never fall, and end at `end`.
bool ascends_to(std::span<const std::uint32_t> offsets, std::uint64_t end) {
  return offsets.front() == 0 && offsets.back() == end && std::ranges::is_sorted(offsets);
}

std::span<const std::uint32_t> source_offsets(BytesView sources, std::size_t rows) {
  return {as<std::uint32_t>(sources), rows + 1};
}

}  // namespace

EncodedSegment encode_segment(std::vector<Template> templates, std::uint32_t dimensions, std::uint64_t salt) {
  std::ranges::sort(templates, [](const Template& a, const Template& b) {
    return std::tie(a.person, a.photo_sha256) < std::tie(b.person, b.photo_sha256);
  });
  Header header{};
  std::array<Bytes, kSections> sections;
  sections[kPersons] = encode_persons(templates, header.persons);
  Vectors vectors = encode_vectors(templates, dimensions);
  sections[kCodes] = std::move(vectors.codes);
  sections[kScales] = std::move(vectors.scales);
  sections[kEmbeddings] = std::move(vectors.embeddings);

  Bytes source_names, chips;
  for (const Template& row : templates) {
    sections[kDigests] += unhex(row.photo_sha256);
    append(sections[kSources], static_cast<std::uint32_t>(source_names.size()));
    source_names += row.source;
    append(sections[kChipTable], std::uint64_t{chips.size()});
    append(sections[kChipTable], static_cast<std::uint32_t>(row.chip_png.size()));
    append(sections[kChipTable], crc32c(row.chip_png));
    chips += row.chip_png;
  }
  append(sections[kSources], static_cast<std::uint32_t>(source_names.size()));
  sections[kSources] += source_names;

  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  header.rows = static_cast<std::uint32_t>(templates.size());
  header.dimensions = dimensions;
  header.sections = kSections;
  header.salt = salt;
  header.chips_bytes = chips.size();
  header.error_ratio = vectors.error_ratio;
  std::memcpy(header.chips_sha256, sha256(chips).data(), kDigestBytes);
  std::uint64_t end = sizeof header;
  for (std::size_t i = 0; i < kSections; ++i) {
    const std::uint64_t offset = (end + kAlignment - 1) / kAlignment * kAlignment;
    header.places[i] = {offset, sections[i].size(), crc32c(sections[i]), 0};
    end = offset + sections[i].size();
  }
  header.index_bytes = end;
  header.crc32c = header_crc(header);

  EncodedSegment out;
  out.bytes.reserve(end + chips.size());
  out.bytes.assign(reinterpret_cast<const char*>(&header), sizeof header);
  for (std::size_t i = 0; i < kSections; ++i) {
    out.bytes.resize(header.places[i].offset);
    out.bytes += sections[i];
  }
  out.index_bytes = out.bytes.size();
  out.sha256 = hex(sha256(out.bytes));
  out.bytes += chips;
  return out;
}

Result<std::shared_ptr<const Segment>> Segment::map(const std::filesystem::path& file) {
  auto mapped = MappedFile::open(file);
  if (!mapped) return mapped.error();
  std::shared_ptr<Segment> segment(new Segment);
  segment->bytes_ = (*mapped)->bytes();
  segment->mapped_ = std::move(*mapped);
  if (auto loaded = segment->load(false); !loaded) return loaded.error();
  return std::shared_ptr<const Segment>(std::move(segment));
}

Result<std::shared_ptr<const Segment>> Segment::parse(Bytes index, std::string_view expected_sha256) {
  if (hex(sha256(index)) != expected_sha256) return corrupt("its bytes do not have the SHA-256 that its name says");
  std::shared_ptr<Segment> segment(new Segment);
  segment->owned_ = std::move(index);
  segment->bytes_ = segment->owned_;
  if (auto loaded = segment->load(true); !loaded) return loaded.error();
  return std::shared_ptr<const Segment>(std::move(segment));
}

Result<void> Segment::load(bool check_all) {
  if (bytes_.size() < sizeof(Header)) return corrupt("it is shorter than its header");
  const auto header = read_at<Header>(bytes_, 0);
  if (BytesView(header.magic, kMagic.size()) != kMagic) return corrupt("it does not begin as a segment does");
  if (header.crc32c != header_crc(header)) return corrupt("its header fails its checksum");
  if (header.index_bytes != bytes_.size() || header.sections != kSections || !sizes_agree(header))
    return corrupt("its header does not fit its size");

  std::array<BytesView, kSections> sections;
  for (std::uint32_t i = 0; i < kSections; ++i) {
    const SectionPlace& place = header.places[i];
    if (place.offset % kAlignment != 0 || place.offset > bytes_.size() || place.bytes > bytes_.size() - place.offset)
      return corrupt("a section reaches past its end");
    sections[i] = bytes_.substr(place.offset, place.bytes);
    const bool searched = i == kCodes || i == kScales || i == kPersons;
    if ((searched || check_all) && crc32c(sections[i]) != place.crc32c) return corrupt("a section fails its checksum");
  }

  const std::size_t persons = header.persons;
  const std::uint32_t* numbers = as<std::uint32_t>(sections[kPersons]);
  const std::size_t numbers_bytes = 2 * (persons + 1) * sizeof(std::uint32_t);
  rows_ = {.count = header.rows,
           .dimensions = header.dimensions,
           .codes = as<std::uint8_t>(sections[kCodes]),
           .scales = as<float>(sections[kScales]),
           .embeddings = as<float>(sections[kEmbeddings]),
           .error_ratio = header.error_ratio,
           .persons = {.offsets = {numbers, persons + 1},
                       .starts = {numbers + persons + 1, persons + 1},
                       .text = sections[kPersons].data() + numbers_bytes}};
  if (!ascends_to(rows_.persons.offsets, sections[kPersons].size() - numbers_bytes) ||
      !ascends_to(rows_.persons.starts, rows_.count))
    return corrupt("its person table is out of order");
  digests_ = sections[kDigests];
  sources_ = sections[kSources];
  chip_table_ = sections[kChipTable];
  chips_sha256_ = bytes_.substr(offsetof(Header, chips_sha256), kDigestBytes);
  return {};
}

Segment::Range Segment::rows_of(std::string_view person) const {
  std::size_t low = 0, high = persons().size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (persons().name(middle) < person) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == persons().size() || persons().name(low) != person) return {};
  return {persons().starts[low], persons().starts[low + 1]};
}

bool Segment::holds(std::string_view person, BytesView digest) const {
  Range range = rows_of(person);
  while (range.first < range.end) {
    const std::size_t middle = (range.first + range.end) / 2;
    const int order = digests_.substr(middle * kDigestBytes, kDigestBytes).compare(digest);
    if (order == 0) return true;
    if (order < 0) {
      range.first = middle + 1;
    } else {
      range.end = middle;
    }
  }
  return false;
}

Template Segment::row(std::size_t row) const {
  const std::span<const std::uint32_t> offsets = source_offsets(sources_, rows_.count);
  const BytesView names = sources_.substr(offsets.size_bytes());
  Template out;
  out.person = persons().name(persons().of_row(row));
  out.embedding.assign(rows_.embeddings + row * rows_.dimensions, rows_.embeddings + (row + 1) * rows_.dimensions);
  out.photo_sha256 = hex(digests_.substr(row * kDigestBytes, kDigestBytes));
  // This section is not among those that map() checks.
  if (offsets[row] <= offsets[row + 1] && offsets[row + 1] <= names.size())
    out.source = names.substr(offsets[row], offsets[row + 1] - offsets[row]);
  return out;
}

ChipPlace Segment::chip(std::size_t row) const {
  const BytesView entry = chip_table_.substr(row * kChipEntryBytes, kChipEntryBytes);
  return {read_at<std::uint64_t>(entry, 0), read_at<std::uint32_t>(entry, 2), read_at<std::uint32_t>(entry, 3)};
}

Result<std::vector<Template>> Segment::templates(BytesView chips) const {
  if (sha256(chips) != chips_sha256_) return corrupt("its chips do not have the SHA-256 that its index says");
  std::vector<Template> out;
  out.reserve(rows_.count);
  for (std::size_t i = 0; i < rows_.count; ++i) {
    out.push_back(row(i));
    const ChipPlace place = chip(i);
    if (place.offset > chips.size() || place.bytes > chips.size() - place.offset)
      return corrupt("a chip reaches past its end");
    out.back().chip_png = chips.substr(place.offset, place.bytes);
  }
  return out;
}

}  // namespace facefleet::gallery
