// Bytes of strangers as a message's attributes, in a call and as they lie beside a body: refused, or values that
// survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "localcloud/sqs/message_attributes.h"

namespace {

namespace sqs = facefleet::localcloud::sqs;
using facefleet::BytesView;

void as_stored(BytesView bytes) {
  const auto extras = sqs::decode_extras(bytes);
  if (!extras) return;
  const auto again = sqs::decode_extras(sqs::encode_extras(*extras));
  if (!again || again->user.size() != extras->user.size() || again->system.size() != extras->system.size())
    std::abort();
#ifdef FACEFLEET_FUZZ_CANARY
  if (extras->user.size() == 2 && extras->user[1].value == "w") {
    std::fputs("planted bug\n", stderr);
    std::abort();
  }
#endif
}

void as_called(std::string_view form) {
  const auto call = facefleet::aws::parse_query(form);
  if (!call) return;
  const auto attributes = sqs::read_message_attributes(*call);
  if (!attributes) return;
  if (!sqs::decode(sqs::encode(*attributes))) std::abort();
  for (const sqs::MessageAttribute& one : *attributes)
    if (!sqs::is_wanted(one.name, {"All"}) || !sqs::is_wanted(one.name, {one.name})) std::abort();
  facefleet::aws::ResultWriter result(facefleet::aws::Protocol::kQuery);
  sqs::write_message_attributes(result, *attributes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  as_stored(bytes);
  as_called(bytes);
  return 0;
}
