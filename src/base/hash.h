// Digests and checksums. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace facefleet {

std::string sha256(BytesView bytes);                      // 32 raw bytes
std::string hmac_sha256(BytesView key, BytesView bytes);  // 32 raw bytes
std::string md5(BytesView bytes);                         // 16 raw bytes; only where AWS asks for it
std::string sha1(BytesView bytes);                        // 20 raw bytes; as above
std::string hmac_sha1(BytesView key, BytesView bytes);    // 20 raw bytes; as above
std::string hex(BytesView bytes);                         // lower case
std::string base64(BytesView bytes);
// The bytes of padded standard base 64 (RFC 4648, 4); nothing if `text` is anything else.
std::optional<Bytes> base64_decode(std::string_view text);
// CRC-32C (Castagnoli, RFC 3720 B.4), by SSE 4.2 where the processor has it.
std::uint32_t crc32c(BytesView bytes, std::uint32_t seed = 0);
// Compares in time that depends on the lengths alone.
bool equal_constant_time(BytesView a, BytesView b);

// A digest of bytes that come in pieces.
class Digest {
 public:
  enum class Kind { kMd5, kSha1, kSha256 };
  explicit Digest(Kind kind);
  ~Digest();
  Digest(Digest&& other) noexcept;
  Digest& operator=(Digest&&) = delete;
  void add(BytesView bytes);
  std::string take();  // the raw digest; no further call

 private:
  void* context_;  // OpenSSL's
};

}  // namespace facefleet
