#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <boost/crc.hpp>
#include <cstring>
#include <utility>

namespace facefleet {
namespace {

// OpenSSL 3 looks an algorithm up by name at each use unless it was fetched; that takes longer than hashing 300 bytes.
const EVP_MD* fetched_sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

const EVP_MD* fetched_md5() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return algorithm;
}

const EVP_MD* fetched_sha1() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return algorithm;
}

std::string digest(const EVP_MD* algorithm, BytesView bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, algorithm, nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(BytesView bytes, std::uint32_t seed) {
  std::uint64_t crc = ~seed;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left) narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*at));
  return ~narrow;
}
#endif

std::uint32_t reflect(std::uint32_t value) {
  std::uint32_t out = 0;
  for (int i = 0; i < 32; ++i, value >>= 1) out = out << 1 | (value & 1);
  return out;
}

std::uint32_t crc32c_table(BytesView bytes, std::uint32_t seed) {
  // Boost's remainder is unreflected and un-inverted; a resumed sum must be handed over in that form.
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> sum(reflect(~seed));
  sum.process_bytes(bytes.data(), bytes.size());
  return sum.checksum();
}

}  // namespace

std::string sha256(BytesView bytes) { return digest(fetched_sha256(), bytes); }
std::string md5(BytesView bytes) { return digest(fetched_md5(), bytes); }

std::string sha1(BytesView bytes) { return digest(fetched_sha1(), bytes); }

namespace {

// RFC 2104 by hand: OpenSSL 3's HMAC() spends twice as long on its set-up as two digests of a short text take.
template <class Hash>
std::string hmac(const Hash& hash, BytesView key, BytesView bytes) {
  constexpr std::size_t kBlock = 64;
  const std::string hashed_key = key.size() > kBlock ? hash(key) : std::string();
  if (key.size() > kBlock) key = hashed_key;
  std::string inner(kBlock, '\x36');
  std::string outer(kBlock, '\x5c');
  for (std::size_t i = 0; i < key.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ key[i]);
    outer[i] = static_cast<char>(outer[i] ^ key[i]);
  }
  inner += bytes;
  outer += hash(inner);
  return hash(outer);
}

}  // namespace

std::string hmac_sha256(BytesView key, BytesView bytes) { return hmac(sha256, key, bytes); }
std::string hmac_sha1(BytesView key, BytesView bytes) { return hmac(sha1, key, bytes); }

Digest::Digest(Kind kind) : context_(EVP_MD_CTX_new()) {
  const EVP_MD* const algorithm = kind == Kind::kMd5    ? fetched_md5()
                                  : kind == Kind::kSha1 ? fetched_sha1()
                                                        : fetched_sha256();
  EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), algorithm, nullptr);
}

Digest::~Digest() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

Digest::Digest(Digest&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}

void Digest::add(BytesView bytes) { EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()); }

std::string Digest::take() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hex(BytesView bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

std::string base64(BytesView bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<Bytes> base64_decode(std::string_view text) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static constexpr auto kValues = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i)
      values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
    return values;
  }();
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size() - padding; ++i) {
    const std::int8_t value = kValues[static_cast<unsigned char>(text[i])];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    const std::size_t digit = i % 4;  // the second, third and fourth digit of four each complete a byte
    if (digit > 0) bytes += static_cast<char>(bits >> (6 - 2 * digit));
  }
  // What the padding leaves over must be zero, so that one sequence of bytes has one text.
  if (padding > 0 && (bits & (padding == 1 ? 3 : 15)) != 0) return std::nullopt;
  return bytes;
}

std::uint32_t crc32c(BytesView bytes, std::uint32_t seed) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(bytes, seed);
#endif
  return crc32c_table(bytes, seed);
}

bool equal_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace facefleet
