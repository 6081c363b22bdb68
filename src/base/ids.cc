#include "base/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace facefleet {
namespace {

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kIdLength = 26;

}  // namespace

std::uint64_t SystemRandom::next() {
  std::uint64_t value = 0;
  if (getrandom(&value, sizeof value, 0) != sizeof value) std::abort();  // cannot fail once the pool is ready
  return value;
}

std::uint64_t SeededRandom::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::string make_id(std::int64_t wall_ms, Random& random) {
  std::string id(kIdLength, '0');
  auto time = static_cast<std::uint64_t>(wall_ms);
  for (int i = 9; i >= 0; --i, time >>= 5) id[static_cast<std::size_t>(i)] = kCrockford[time & 31];
  std::uint64_t low = random.next();
  std::uint64_t high = random.next();
  for (std::size_t i = 10; i < 18; ++i, low >>= 5) id[i] = kCrockford[low & 31];
  for (std::size_t i = 18; i < kIdLength; ++i, high >>= 5) id[i] = kCrockford[high & 31];
  return id;
}

bool is_id(std::string_view text) {
  return text.size() == kIdLength && text[0] <= '7' &&
         std::ranges::all_of(text, [](char c) { return kCrockford.find(c) != std::string_view::npos; });
}

std::int64_t id_wall_ms(std::string_view id) {
  std::uint64_t time = 0;
  for (const char c : id.substr(0, 10)) time = time << 5 | kCrockford.find(c);
  return static_cast<std::int64_t>(time);
}

std::string random_hex(Random& random, int digits) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  std::uint64_t bits = 0;
  for (int i = 0; i < digits; ++i, bits >>= 4) {
    if (i % 16 == 0) bits = random.next();
    text += kHex[bits & 15];
  }
  return text;
}

}  // namespace facefleet
