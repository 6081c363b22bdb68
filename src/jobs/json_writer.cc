#include "jobs/json_writer.h"

#include "jobs/utf8.h"

namespace facefleet::jobs {
namespace {

// The escape of a character that may not stand in a JSON string as it is; empty if it may (RFC 8259, 7).
std::string_view escape_of(unsigned char c, char (&buffer)[6]) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
  }
  if (c >= 0x20 && c != 0x7F) return {};
  const char text[6] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
  std::copy(std::begin(text), std::end(text), buffer);
  return {buffer, sizeof buffer};
}

}  // namespace

JsonWriter& JsonWriter::text_within(std::string_view value, std::size_t bytes_max) {
  separate();
  out_ += '"';
  std::size_t used = 0;
  char buffer[6];
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t length = utf8_sequence(value, at);
    std::string_view piece = length == 0 ? kReplacement : value.substr(at, length);
    if (length == 1) {
      const std::string_view escape = escape_of(static_cast<unsigned char>(value[at]), buffer);
      if (!escape.empty()) piece = escape;
    }
    if (piece.size() > bytes_max - used) break;
    out_ += piece;
    used += piece.size();
    at += length == 0 ? 1 : length;
  }
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::rounded(double value, int decimals) {
  const double unit = std::pow(10.0, decimals);
  const double whole = std::round(value * unit);
  return number(std::abs(whole) < 1e15 ? whole / unit : value);  // beyond, a double has no such digits to round
}

}  // namespace facefleet::jobs
