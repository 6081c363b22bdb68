#include "queue/backends/kept.h"

namespace facefleet::queue {
namespace {

constexpr std::size_t kLengthBytes = 4;

void put_text(Bytes& out, std::string_view text) {
  for (std::size_t left = kLengthBytes; left > 0; --left)
    out += static_cast<char>(text.size() >> (left - 1) * 8 & 0xFF);
  out += text;
}

bool take_text(BytesView& in, std::string& text) {
  if (in.size() < kLengthBytes) return false;
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length = length << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(kLengthBytes);
  if (in.size() < length) return false;
  text = in.substr(0, length);
  in.remove_prefix(length);
  return true;
}

}  // namespace

Bytes encode_kept(const std::map<std::string, std::string>& kept) {
  Bytes out;
  for (const auto& [name, value] : kept) {
    put_text(out, name);
    put_text(out, value);
  }
  return out;
}

std::optional<std::map<std::string, std::string>> decode_kept(BytesView bytes) {
  std::map<std::string, std::string> kept;
  while (!bytes.empty()) {
    std::string name;
    std::string value;
    if (!take_text(bytes, name) || !take_text(bytes, value)) return std::nullopt;
    // In the order of their names, each once: else two rows' bytes could mean the same.
    if (!kept.empty() && kept.rbegin()->first >= name) return std::nullopt;
    kept.emplace_hint(kept.end(), std::move(name), std::move(value));
  }
  return kept;
}

}  // namespace facefleet::queue
