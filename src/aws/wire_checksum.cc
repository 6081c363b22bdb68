#include "aws/wire_checksum.h"

#include <openssl/evp.h>

#include <array>
#include <boost/crc.hpp>
#include <cstdint>

#include "base/hash.h"

namespace facefleet::aws {
namespace {

template <class Number>
Bytes big_endian(Number value) {
  Bytes bytes(sizeof value, '\0');
  for (std::size_t i = sizeof value; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xFF);
  return bytes;
}

template <class Sum>
auto sum_of(BytesView bytes) {
  Sum sum;
  sum.process_bytes(bytes.data(), bytes.size());
  return sum.checksum();
}

// CRC-64/NVME of the catalogue of parametrised CRC algorithms (NVM Express command set, 5.2.1.3.4).
using Crc64Nvme = boost::crc_optimal<64, 0xAD93D23594C93659, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, true, true>;

Bytes sha1(BytesView bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, EVP_sha1(), nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace

std::optional<std::string> checksum(std::string_view algorithm, BytesView bytes) {
  if (algorithm == "crc32") return base64(big_endian<std::uint32_t>(sum_of<boost::crc_32_type>(bytes)));
  if (algorithm == "crc32c") return base64(big_endian(crc32c(bytes)));
  if (algorithm == "crc64nvme") return base64(big_endian<std::uint64_t>(sum_of<Crc64Nvme>(bytes)));
  if (algorithm == "sha1") return base64(sha1(bytes));
  if (algorithm == "sha256") return base64(sha256(bytes));
  return std::nullopt;
}

}  // namespace facefleet::aws
