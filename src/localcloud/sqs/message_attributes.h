// A message's attributes, from a call, to a call, and as the bytes that a queue keeps beside the body. Pure functions.
//
// Those bytes are what SQS takes the MD5 of, attribute by attribute in the order of their names: the length of the name
// (four bytes, big end first) and the name, the same of its type, 1 for text or 2 for bytes, the length of the value
// and the value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/wire.h"
#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::localcloud::sqs {

struct MessageAttribute {
  std::string name;
  std::string type;  // String, Number or Binary, perhaps with a dot and a label of the caller's
  Bytes value;

  bool is_binary() const { return type.starts_with("Binary"); }
  std::size_t bytes() const { return name.size() + type.size() + value.size(); }
};
using MessageAttributes = std::vector<MessageAttribute>;  // by name

// Of a SendMessage or of a batch's entry. An error in SQS's words, if one is not as SQS takes it.
Result<MessageAttributes> read_message_attributes(const aws::Parameter& parameters);
// As that, of those that SQS itself reads: AWSTraceHeader.
Result<MessageAttributes> read_system_attributes(const aws::Parameter& parameters);

Bytes encode(const MessageAttributes& attributes);
std::optional<MessageAttributes> decode(BytesView bytes);

// Both kinds as one: what a queue keeps. Nothing where there are none of either.
struct Extras {
  MessageAttributes user;
  MessageAttributes system;
};
Bytes encode_extras(const Extras& extras);
// Nothing if `bytes` are not what encode_extras() makes.
std::optional<Extras> decode_extras(BytesView bytes);

// Whether `name` is one that a ReceiveMessage asks for with `wanted`: a name, All, .*, or a prefix as in `prefix.*`.
bool is_wanted(std::string_view name, const std::vector<std::string_view>& wanted);

void write_message_attributes(aws::ResultWriter& result, const MessageAttributes& attributes);

}  // namespace facefleet::localcloud::sqs
