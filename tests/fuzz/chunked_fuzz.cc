// Input: one byte, the size of the pieces; a body in aws-chunked. What is checked beside crashes: what becomes of a
// body does not depend on where its pieces end.
#include <cstdint>
#include <string>

#include "aws/wire_chunked.h"
#include "check.h"

namespace {

using facefleet::Bytes;
using facefleet::BytesView;
using facefleet::fuzz::check;

struct Outcome {
  bool whole = false;
  Bytes body;
  std::vector<std::pair<std::string, std::string>> trailers;
};

Outcome decode(BytesView encoded, std::size_t step) {
  facefleet::aws::ChunkedDecoder decoder(std::nullopt);
  Outcome out;
  for (std::size_t at = 0; at < encoded.size(); at += step)
    if (!decoder.feed(encoded.substr(at, step), out.body)) return out;
  out.whole = decoder.finish().has_value();
  out.trailers = decoder.trailers();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView encoded(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = decode(encoded, size);
  const Outcome pieces = decode(encoded, data[0] % 16 + 1);
  check(whole.whole == pieces.whole, "pieces do not decide whether a body is whole");
  check(!whole.whole || (whole.body == pieces.body && whole.trailers == pieces.trailers), "nor what it holds");
  check(whole.body.size() <= encoded.size(), "nothing comes of nothing");
#ifdef FACEFLEET_FUZZ_CANARY
  check(!whole.whole || whole.trailers.empty() || whole.body.size() < 2, "planted bug");
#endif
  return 0;
}
