#include "localcloud/sqs/messages.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::int64_t kDelaySecondsMax = limits::kQueueDelayMs / 1'000;
// The least that a queue's MaximumMessageSize can be: shorter bodies need no look at it.
constexpr std::size_t kAlwaysFitsBytes = 1'024;
constexpr std::size_t kBatchIdBytes = 80;

bool is_batch_id(std::string_view id) {
  return !id.empty() && id.size() <= kBatchIdBytes && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// What a message may bring along and these queues do not carry: refused, so that nothing is lost without a word.
Result<void> refuse_extras(const aws::Parameter& parameters) {
  for (const char* name :
       {"MessageAttributes", "MessageAttribute", "MessageSystemAttributes", "MessageSystemAttribute"}) {
    const aws::Parameter* given = parameters.find(name);
    if (given != nullptr && !given->members.empty())
      return unsupported("Message attributes are not supported here; put what they say into the message body.");
  }
  if (const auto id = parameters.text_of("MessageDeduplicationId"))
    return invalid_parameter(*id, "MessageDeduplicationId",
                             "The request includes a parameter that is not valid for this queue type.");
  return {};
}

}  // namespace

Result<queue::Outgoing> take_message(aws::Parameter& parameters) {
  if (const auto body = required(parameters, "MessageBody"); !body) return body.error();
  if (auto plain = refuse_extras(parameters); !plain) return plain.error();
  const auto delay = integer(parameters, "DelaySeconds", 0, kDelaySecondsMax, "DelaySeconds must be >= 0 and <= 900.");
  if (!delay) return delay.error();
  std::string& body = parameters.find("MessageBody")->text;
  if (!aws::is_xml_text(body))
    return Error{Code::kInvalidInput,
                 "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "
                 "#xFFFD | #x10000 to #x10FFFF.",
                 "InvalidMessageContents"};
  return queue::Outgoing{std::move(body), std::chrono::seconds(delay->value_or(0))};
}

Task<Result<void>> check_length(const Call& call, queue::Queue& queue, std::size_t bytes) {
  if (bytes <= kAlwaysFitsBytes) co_return Result<void>();
  const auto attributes = co_await queue.attributes();
  if (!attributes) co_return from_queue(call, attributes.error());
  if (bytes <= attributes->message_bytes_max) co_return Result<void>();
  co_return invalid_request("Message must be shorter than " + std::to_string(attributes->message_bytes_max) +
                            " bytes.");
}

Result<std::vector<BatchEntry>> batch_entries(Call& call, std::string_view query_name) {
  std::vector<BatchEntry> entries;
  std::set<std::string_view> ids;
  for (aws::Parameter* entry : call.parameters.list("Entries", query_name)) {
    const auto id = required(*entry, "Id");
    if (!id) return id.error();
    if (!is_batch_id(*id))
      return batch_error("InvalidBatchEntryId",
                         "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can "
                         "be at most 80 letters long.");
    if (!ids.insert(*id).second)
      return batch_error("BatchEntryIdsNotDistinct", "Id " + std::string(*id) + " repeated.");
    entries.push_back({std::string(*id), entry});
  }
  if (entries.empty())
    return batch_error("EmptyBatchRequest",
                       "There should be at least one " + std::string(query_name) + " in the request.");
  if (entries.size() > limits::kQueueBatchEntries)
    return batch_error("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent " +
                                                           std::to_string(entries.size()) + ".");
  return entries;
}

void write_failures(aws::ResultWriter& result, const std::vector<BatchFailure>& failures) {
  if (failures.empty()) return;
  constexpr std::string_view kItem = "BatchResultErrorEntry";
  result.open_list("Failed");
  for (const BatchFailure& failure : failures) {
    const aws::Fault fault = aws::fault_of(failure.error);
    result.open_item(kItem);
    result.text("Id", failure.id);
    result.boolean("SenderFault", fault.status < 500);
    result.text("Code", fault.code);
    result.text("Message", failure.error.message);
    result.close_item(kItem);
  }
  result.close_list();
}

}  // namespace facefleet::localcloud::sqs
