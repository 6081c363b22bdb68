// What may be called how: the checks on what strangers hand in. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "gallery/template.h"

namespace facefleet::gallery {

// kInvalidInput with a sentence, reasons `bad_gallery_name` and `bad_person_name`.
Result<void> check_gallery_name(std::string_view gallery);
Result<void> check_person_name(std::string_view person);

// Names, digest, length and dimensions of a template. kInvalidInput, reasons as above, `bad_digest`, `bad_embedding`.
Result<void> check_template(const Template& candidate, std::size_t dimensions);

// 64 lower-case hexadecimal digits, and the 32 bytes that they stand for.
bool is_sha256(std::string_view text);
Bytes unhex(std::string_view sha256);

}  // namespace facefleet::gallery
