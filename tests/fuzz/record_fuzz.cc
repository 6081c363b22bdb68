// Bytes of strangers as a receipt, and as what a queue's row keeps: refused, or values whose bytes are those again.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "queue/backends/kept.h"
#include "queue/receipt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace queue = facefleet::queue;
  constexpr std::uint64_t kQueue = 0x0123456789abcdef;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto delivery = queue::read_receipt(kQueue, bytes)) {
    const auto again = queue::read_receipt(kQueue, queue::write_receipt(kQueue, *delivery));
    if (!again || again->sequence != delivery->sequence || again->number != delivery->number) std::abort();
  }
  if (const auto kept = queue::decode_kept(bytes)) {
    if (queue::encode_kept(*kept) != bytes) std::abort();
#ifdef FACEFLEET_FUZZ_CANARY
    if (kept->size() == 2 && kept->rbegin()->second == "b") {
      std::fputs("planted bug\n", stderr);
      std::abort();
    }
#endif
  }
  return 0;
}
