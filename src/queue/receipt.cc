#include "queue/receipt.h"

#include <charconv>

namespace facefleet::queue {
namespace {

constexpr std::size_t kLongDigits = 16;
constexpr std::size_t kShortDigits = 8;

void put_hex(std::string& text, std::uint64_t value, std::size_t digits) {
  for (std::size_t left = digits; left > 0; --left) text += "0123456789abcdef"[value >> (left - 1) * 4 & 15];
}

template <class Number>
bool take_hex(std::string_view& text, Number& value, std::size_t digits) {
  const char* end = text.data() + digits;
  const auto [stopped, error] = std::from_chars(text.data(), end, value, 16);
  text.remove_prefix(digits);
  return error == std::errc() && stopped == end;
}

}  // namespace

std::string write_receipt(std::uint64_t queue, const Delivery& delivery) {
  std::string text;
  text.reserve(2 * kLongDigits + 2 * kShortDigits);
  put_hex(text, queue, kLongDigits);
  put_hex(text, delivery.sequence, kLongDigits);
  put_hex(text, delivery.run, kShortDigits);
  put_hex(text, delivery.number, kShortDigits);
  return text;
}

std::optional<Delivery> read_receipt(std::uint64_t queue, std::string_view receipt) {
  if (receipt.size() != 2 * kLongDigits + 2 * kShortDigits) return {};
  std::uint64_t owner = 0;
  Delivery delivery;
  if (!take_hex(receipt, owner, kLongDigits) || !take_hex(receipt, delivery.sequence, kLongDigits) ||
      !take_hex(receipt, delivery.run, kShortDigits) || !take_hex(receipt, delivery.number, kShortDigits))
    return {};
  if (owner != queue) return {};
  return delivery;
}

}  // namespace facefleet::queue
