// UTF-8 (RFC 3629), as far as names need it. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace facefleet::jobs {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The length of the valid sequence at `at`; 0 if there is none.
std::size_t utf8_sequence(std::string_view text, std::size_t at);

bool is_utf8(std::string_view text);

// `text` with each byte that belongs to no valid sequence replaced by U+FFFD.
std::string to_utf8(std::string_view text);

}  // namespace facefleet::jobs
