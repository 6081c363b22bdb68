// Input: a Content-Type, a line feed, a body. What is checked beside crashes: each part lies inside the body, the
// limit on parts holds, and parts written out anew are read back as the same.
#include <algorithm>
#include <cstdint>
#include <string>

#include "check.h"
#include "net/multipart.h"

namespace {

using facefleet::Bytes;
using facefleet::BytesView;
using facefleet::fuzz::check;
using facefleet::net::parse_multipart;
using facefleet::net::Part;

constexpr std::size_t kPartsMax = 4;

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A boundary that stands in none of the parts.
std::string boundary_for(BytesView body) {
  std::string boundary = "x";
  for (int i = 0; body.find(boundary) != BytesView::npos; ++i) boundary = "x" + std::to_string(i) + "x";
  return boundary;
}

void check_round_trip(const std::vector<Part>& parts, BytesView body) {
  const std::string boundary = boundary_for(body);
  Bytes again;
  for (const Part& part : parts) {
    again += "--" + boundary + "\r\nContent-Disposition: form-data; name=" + quoted(part.name);
    if (part.is_file) again += "; filename=" + quoted(part.filename);
    again += "\r\nContent-Type: " + part.content_type + "\r\n\r\n" + Bytes(part.body) + "\r\n";
  }
  again += "--" + boundary + "--\r\n";
  const auto reread = parse_multipart("multipart/form-data; boundary=" + boundary, again, kPartsMax);
  check(reread.has_value(), "parts written anew are readable");
  const auto same = [](const Part& a, const Part& b) {
    return a.name == b.name && a.is_file == b.is_file && a.filename == b.filename && a.body == b.body &&
           a.content_type == b.content_type;
  };
  check(std::equal(parts.begin(), parts.end(), reread->begin(), reread->end(), same),
        "parts written anew are the same");
}

// Names that a header line cannot carry come from `filename*` alone.
bool can_be_written(const Part& part) {
  const auto plain = [](std::string_view text) { return text.find("\r\n") == std::string_view::npos; };
  const std::size_t header_bytes = 2 * (part.name.size() + part.filename.size()) + part.content_type.size() + 100;
  return plain(part.name) && plain(part.filename) && header_bytes < 8'192;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), size);
  const BytesView body = input.substr(std::min(line + 1, size));
  const auto parts = parse_multipart(input.substr(0, line), body, kPartsMax);
  if (!parts) {
    check(!parts.error().message.empty() && !parts.error().reason.empty(), "an error says what and why");
    return 0;
  }
  check(parts->size() <= kPartsMax, "the limit on parts");
  for (const Part& part : *parts)
    check(part.body.data() >= body.data() && part.body.data() + part.body.size() <= body.data() + body.size(),
          "a part lies inside the body");
  if (std::all_of(parts->begin(), parts->end(), can_be_written)) check_round_trip(*parts, body);
#ifdef FACEFLEET_FUZZ_CANARY
  check(parts->size() != 3 || !parts->back().is_file, "planted bug");
#endif
  return 0;
}
