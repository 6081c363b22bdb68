// Identifiers. Randomness is a parameter, as time is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace facefleet {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

// The operating system's generator (getrandom), fit for secrets.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

// SplitMix64 (Steele, Lea, Flood 2014): replays from a seed. Not thread-safe, not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

// 26 characters of Crockford base 32, as ULID lays them out: 48 bits of wall-clock milliseconds, then
// 80 random bits. Ids sort by the time they were made; two made in one millisecond sort at random.
std::string make_id(std::int64_t wall_ms, Random& random);

// Whether `text` has the form that make_id gives.
bool is_id(std::string_view text);

// The wall-clock milliseconds inside an id that is_id() accepts.
std::int64_t id_wall_ms(std::string_view id);

// `digits` lower-case hexadecimal digits.
std::string random_hex(Random& random, int digits);

}  // namespace facefleet
