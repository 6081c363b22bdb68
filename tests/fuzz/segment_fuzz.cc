// Bytes of strangers as the index of a gallery segment: refused, or one whose every row can be read and searched. The
// checksums are put right first, because a fuzzer cannot, and whoever writes such bytes on purpose can.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/hash.h"
#include "gallery/segment.h"

namespace {

using namespace facefleet;

// Where the header (segment.cc) has its own length, its sections' places, and its checksum.
constexpr std::size_t kIndexBytesAt = 32, kPlacesAt = 88, kPlaceBytes = 24, kSections = 7, kCrcAt = 256, kHeader = 264;

template <class T>
T read_at(const Bytes& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void write_at(Bytes& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

void put_right(Bytes& bytes) {
  if (bytes.size() < kHeader) return;
  std::memcpy(bytes.data(), "FFSEGM1\n", 8);
  write_at<std::uint64_t>(bytes, kIndexBytesAt, bytes.size());
  for (std::size_t i = 0; i < kSections; ++i) {
    const std::size_t place = kPlacesAt + i * kPlaceBytes;
    const auto offset = read_at<std::uint64_t>(bytes, place), size = read_at<std::uint64_t>(bytes, place + 8);
    if (offset < kHeader || offset > bytes.size() || size > bytes.size() - offset) continue;
    write_at(bytes, place + 16, crc32c(BytesView(bytes).substr(offset, size)));
  }
  write_at(bytes, kCrcAt, crc32c(BytesView(bytes).substr(0, kCrcAt)));
}

void use(const gallery::Segment& segment) {
  const gallery::Rows& rows = segment.rows();
  for (std::size_t i = 0; i < rows.count; ++i) {
    const gallery::Template row = segment.row(i);
    (void)segment.chip(i);
    (void)segment.holds(row.person, Bytes(32, 'x'));
  }
  const std::array queries = {gallery::Query(std::vector<float>(rows.dimensions, 0.1F))};
  std::array best = {gallery::BestPersons(3)};
  for (const gallery::Isa isa : {gallery::Isa::kScalar, gallery::Isa::kAvx2, gallery::Isa::kVnni})
    if (gallery::supports(isa)) gallery::search_rows(isa, rows, queries, best);
  (void)segment.templates("");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(reinterpret_cast<const char*>(data), size);
  put_right(bytes);
  const std::string name = hex(sha256(bytes));
  const auto segment = gallery::Segment::parse(std::move(bytes), name);
  if (!segment) return 0;
  use(**segment);
#ifdef FACEFLEET_FUZZ_CANARY
  if ((*segment)->persons().size() == 1 && (*segment)->persons().name(0).starts_with("B")) {
    std::fputs("planted bug\n", stderr);
    std::abort();
  }
#endif
  return 0;
}
