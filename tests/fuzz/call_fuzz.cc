// Bytes of strangers as the parameters of a call, in the query form or in JSON: refused, or a tree that can be walked.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "aws/wire.h"

namespace {

namespace aws = facefleet::aws;

std::size_t walk(const aws::Parameter& parameter) {
  std::size_t texts = parameter.text.empty() ? 0 : 1;
  for (const aws::Parameter::Member& member : parameter.members) texts += walk(member.value);
  return texts;
}

void use(const aws::Parameter& call) {
  (void)walk(call);
  (void)call.map("Attributes", "Attribute");
  (void)call.map("Tags", "Tag", "Key");
  for (const aws::Parameter* entry : call.list("Entries", "SendMessageBatchRequestEntry")) (void)entry->text_of("Id");
  const std::string_view text = call.text_of("MessageBody").value_or("");
  aws::ResultWriter result(aws::Protocol::kJson);
  result.text("Body", text);
  if (aws::is_xml_text(text) && !aws::parse_json(result.take())) std::abort();  // what we write, we read
#ifdef FACEFLEET_FUZZ_CANARY
  const auto entries = call.list("Entries", "SendMessageBatchRequestEntry");
  if (entries.size() == 2 && entries[1]->text_of("Id") == "b") {
    std::fputs("planted bug\n", stderr);
    std::abort();
  }
#endif
}

}  // namespace

// The first byte says which of the two forms.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)aws::is_xml_text(body);
  const auto call = data[0] == '{' ? aws::parse_json(std::string(1, '{').append(body)) : aws::parse_query(body);
  if (call) use(*call);
  return 0;
}
