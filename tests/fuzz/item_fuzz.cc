// Input: an item in DynamoDB's JSON. What is checked beside crashes: what was read, written and read again, is the
// same; and a number's one spelling is its own.
#include <cstdint>
#include <string>

#include "check.h"
#include "table/codec.h"

using facefleet::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facefleet::table;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto number = canonical_number(text)) check(canonical_number(*number) == number, "one spelling");
  const auto item = decode_item(text);
  if (!item) {
    check(!item.error().message.empty(), "a refusal says why");
    return 0;
  }
  const auto again = decode_item(encode(*item));
  check(again && *again == *item, "what was written reads the same");
#ifdef FACEFLEET_FUZZ_CANARY
  for (const auto& [name, value] : *item) check(value.list.size() < 2, "planted bug");
#endif
  return 0;
}
