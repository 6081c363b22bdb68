#include "aws/wire_checksum.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/hash.h"

namespace facefleet::aws {
namespace {

template <class Number>
Bytes big_endian(Number value) {
  Bytes bytes(sizeof value, '\0');
  for (std::size_t i = sizeof value; i-- > 0; value = static_cast<Number>(value >> 8))
    bytes[i] = static_cast<char>(value & 0xFF);
  return bytes;
}

// A reflected CRC, eight bytes a step ("slicing by eight": Kounavis and Berry, 2008): every SDK of today sends one
// with each body, and a byte a step would take longer than all else that is done to the body.
template <class Number>
class Slices {
 public:
  constexpr explicit Slices(Number reflected_polynomial) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      Number value = byte;
      for (int bit = 0; bit < 8; ++bit)
        value = static_cast<Number>(value >> 1 ^ ((value & 1) != 0 ? reflected_polynomial : 0));
      table_[0][byte] = value;
    }
    for (std::size_t slice = 1; slice < 8; ++slice)
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const Number before = table_[slice - 1][byte];
        table_[slice][byte] = static_cast<Number>(before >> 8 ^ table_[0][before & 0xFF]);
      }
  }

  Number run(Number sum, BytesView bytes) const {
    while (bytes.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data(), 8);
      word ^= sum;
      sum = 0;
      for (std::size_t i = 0; i < 8; ++i) sum = static_cast<Number>(sum ^ table_[7 - i][word >> (8 * i) & 0xFF]);
      bytes.remove_prefix(8);
    }
    for (const char c : bytes)
      sum = static_cast<Number>(sum >> 8 ^ table_[0][(sum ^ static_cast<unsigned char>(c)) & 0xFF]);
    return sum;
  }

 private:
  std::array<std::array<Number, 256>, 8> table_{};
};

// CRC-32 (ISO-HDLC) and CRC-64/NVME of the catalogue of parametrised CRC algorithms, reflected.
constexpr Slices<std::uint32_t> kCrc32(0xEDB88320);
constexpr Slices<std::uint64_t> kCrc64Nvme(0x9A6C9329AC4BC9B5);

template <class Number>
class SlicedCrc final : public Checksum {
 public:
  explicit SlicedCrc(const Slices<Number>& slices) : slices_(slices) {}
  void add(BytesView bytes) override { sum_ = slices_.run(sum_, bytes); }
  std::string take() override { return base64(big_endian<Number>(static_cast<Number>(~sum_))); }

 private:
  const Slices<Number>& slices_;
  Number sum_ = static_cast<Number>(~Number{0});
};

class Crc32c final : public Checksum {
 public:
  void add(BytesView bytes) override { sum_ = crc32c(bytes, sum_); }
  std::string take() override { return base64(big_endian(sum_)); }

 private:
  std::uint32_t sum_ = 0;
};

class Sha final : public Checksum {
 public:
  explicit Sha(Digest::Kind kind) : digest_(kind) {}
  void add(BytesView bytes) override { digest_.add(bytes); }
  std::string take() override { return base64(digest_.take()); }

 private:
  Digest digest_;
};

}  // namespace

std::unique_ptr<Checksum> Checksum::of(std::string_view algorithm) {
  if (algorithm == "crc32") return std::make_unique<SlicedCrc<std::uint32_t>>(kCrc32);
  if (algorithm == "crc32c") return std::make_unique<Crc32c>();
  if (algorithm == "crc64nvme") return std::make_unique<SlicedCrc<std::uint64_t>>(kCrc64Nvme);
  if (algorithm == "sha1") return std::make_unique<Sha>(Digest::Kind::kSha1);
  if (algorithm == "sha256") return std::make_unique<Sha>(Digest::Kind::kSha256);
  return nullptr;
}

std::optional<std::string> checksum(std::string_view algorithm, BytesView bytes) {
  const auto sum = Checksum::of(algorithm);
  if (!sum) return std::nullopt;
  sum->add(bytes);
  return sum->take();
}

}  // namespace facefleet::aws
