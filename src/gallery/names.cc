#include "gallery/names.h"

#include <algorithm>
#include <cmath>

#include "base/limits.h"
#include "gallery/search.h"

namespace facefleet::gallery {
namespace {

// One code point of well-formed UTF-8 (RFC 3629: shortest form, no surrogates), taken off the front of `text`; −1 if
// there is none.
std::int32_t take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (size == 0 || text.size() < size) return -1;
  std::int32_t point = size == 1 ? static_cast<std::int32_t>(lead) : static_cast<std::int32_t>(lead & (0x7FU >> size));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return -1;
    point = point << 6 | static_cast<std::int32_t>(byte(i) & 0x3FU);
  }
  const bool too_long = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
  if (too_long || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return -1;
  text.remove_prefix(size);
  return point;
}

bool is_printable_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::int32_t point = take_code_point(text);
    if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
  }
  return true;
}

}  // namespace

Result<void> check_gallery_name(std::string_view gallery) {
  const bool valid = !gallery.empty() && gallery.size() <= limits::kGalleryNameBytes &&
                     gallery.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (valid) return {};
  return Error{Code::kInvalidInput, "a gallery's name is 1 to 64 of a-z, 0-9 and '-'", "bad_gallery_name"};
}

Result<void> check_person_name(std::string_view person) {
  if (person == "unknown" || person == "no face")
    return Error{Code::kInvalidInput, "a person cannot be called \"" + std::string(person) + "\": answers use it",
                 "bad_person_name"};
  if (person.empty() || person.size() > limits::kPersonNameBytes || !is_printable_utf8(person))
    return Error{Code::kInvalidInput, "a person's name is 1 to 255 bytes of UTF-8 without control characters",
                 "bad_person_name"};
  return {};
}

Result<void> check_template(const Template& candidate, std::size_t dimensions) {
  if (auto name = check_person_name(candidate.person); !name) return name;
  if (!is_sha256(candidate.photo_sha256))
    return Error{Code::kInvalidInput, "a photo's digest is 64 lower-case hexadecimal digits", "bad_digest"};
  const std::vector<float>& embedding = candidate.embedding;
  if (embedding.size() != dimensions || dimensions == 0 || dimensions > limits::kEmbeddingDimensions)
    return Error{Code::kInvalidInput,
                 "an embedding of " + std::to_string(embedding.size()) + " numbers does not fit a gallery of " +
                     std::to_string(dimensions),
                 "bad_embedding"};
  const float length = std::sqrt(similarity(embedding.data(), embedding.data(), dimensions));
  if (!(std::abs(length - 1) <= kUnitLengthTolerance))
    return Error{Code::kInvalidInput, "an embedding must have length 1", "bad_embedding"};
  return {};
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Bytes unhex(std::string_view sha256) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes(sha256.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(digit(sha256[2 * i]) << 4 | digit(sha256[2 * i + 1]));
  return bytes;
}

}  // namespace facefleet::gallery
