// For tests and benchmarks only: vectors and templates made from a seed.
#pragma once

#include <cmath>
#include <cstddef>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"
#include "gallery/gallery.h"
#include "gallery/segment.h"

namespace facefleet::gallery {

// Box and Muller's transform of two uniform numbers.
inline float random_normal(Random& random) {
  const auto uniform = [&] { return (static_cast<double>(random.next() >> 11) + 0.5) * 0x1p-53; };
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return static_cast<float>(radius * std::cos(2 * std::numbers::pi * uniform()));
}

inline void normalise(std::vector<float>& vector) {
  double squared = 0;
  for (const float x : vector) squared += double{x} * double{x};
  for (float& x : vector) x = static_cast<float>(x / std::sqrt(squared));
}

// Even over the sphere, as embeddings of strangers nearly are.
inline std::vector<float> random_unit(Random& random, std::size_t dimensions) {
  std::vector<float> vector(dimensions);
  for (float& x : vector) x = random_normal(random);
  normalise(vector);
  return vector;
}

inline std::vector<std::vector<float>> random_units(Random& random, std::size_t count, std::size_t dimensions) {
  std::vector<std::vector<float>> vectors(count);
  for (std::vector<float>& vector : vectors) vector = random_unit(random, dimensions);
  return vectors;
}

// `centre` with noise of about `distance` length.
inline std::vector<float> near(const std::vector<float>& centre, float distance, Random& random) {
  std::vector<float> vector = centre;
  for (float& x : vector) x += distance / std::sqrt(static_cast<float>(centre.size())) * random_normal(random);
  normalise(vector);
  return vector;
}

// p0000000, p0000001, …: bytewise order is the order of the numbers.
inline std::string person_name(std::size_t number) {
  const std::string digits = std::to_string(number);
  return "p" + std::string(7 - digits.size(), '0') + digits;
}

// A template of a photo whose bytes were `photo`.
inline Template make_template(const std::string& person, const std::string& photo, std::vector<float> embedding) {
  return {person, std::move(embedding), hex(sha256(photo)), photo + ".jpg", "chip of " + photo};
}

// A segment of `vectors`, `templates_each` of them a person.
inline std::shared_ptr<const Segment> make_segment(std::vector<std::vector<float>> vectors,
                                                   std::size_t templates_each) {
  const auto dimensions = static_cast<std::uint32_t>(vectors.front().size());
  std::vector<Template> templates;
  templates.reserve(vectors.size());
  for (std::size_t i = 0; i < vectors.size(); ++i)
    templates.push_back(make_template(person_name(i / templates_each), std::to_string(i), std::move(vectors[i])));
  EncodedSegment encoded = encode_segment(std::move(templates), dimensions, 0);
  encoded.bytes.resize(encoded.index_bytes);
  return Segment::parse(std::move(encoded.bytes), encoded.sha256).value();
}

}  // namespace facefleet::gallery
