// Input: an XML document as S3's clients send it. What is checked beside crashes: the limits hold for what is read, and
// what was read, written again, reads the same.
#include <cstdint>
#include <string>

#include "aws/wire.h"
#include "check.h"
#include "localcloud/s3/documents.h"

using facefleet::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facefleet;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = localcloud::s3::read_delete(text)) {
    check(!request->keys.empty() && request->keys.size() <= 1'000, "the limit on keys");
    std::string again;
    aws::XmlWriter xml(again);
    xml.open("Delete");
    for (const std::string& key : request->keys) {
      check(!key.empty(), "a key has a byte");
      xml.open("Object");
      xml.text("Key", key);
      xml.close("Object");
    }
    xml.close("Delete");
    bool plain = true;
    for (const std::string& key : request->keys) plain = plain && aws::is_xml_text(key);
    const auto reread = localcloud::s3::read_delete(again);
    check(!plain || (reread && reread->keys == request->keys), "what was written reads the same");
#ifdef FACEFLEET_FUZZ_CANARY
    check(!request->quiet || request->keys.size() < 2, "planted bug");
#endif
  }
  if (const auto parts = localcloud::s3::read_complete(text)) {
    check(!parts->empty() && parts->size() <= 10'000, "the limit on parts");
    for (const auto& [number, etag] : *parts) check(number <= 10'000, "the limit on a part's number");
  }
  return 0;
}
