#include "localcloud/sqs/messages.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/limits.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/message_attributes.h"

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

// A group on a standard queue only spreads its messages fairly over consumers, which take turns here anyway.
constexpr std::size_t kGroupBytes = 128;

Result<void> check_fifo_parameters(const aws::Parameter& parameters) {
  if (const auto id = parameters.text_of("MessageDeduplicationId"))
    return invalid_parameter(*id, "MessageDeduplicationId",
                             "The request includes a parameter that is not valid for this queue type.");
  const auto group = parameters.text_of("MessageGroupId");
  if (group && (group->empty() || group->size() > kGroupBytes || !aws::is_xml_text(*group)))
    return invalid_parameter(*group, "MessageGroupId",
                             "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in "
                             "length.");
  return {};
}

Result<Extras> read_extras(const aws::Parameter& parameters) {
  auto user = read_message_attributes(parameters);
  if (!user) return user.error();
  auto system = read_system_attributes(parameters);
  if (!system) return system.error();
  return Extras{std::move(*user), std::move(*system)};
}

std::string digest(const MessageAttributes& attributes) {
  return attributes.empty() ? std::string() : hex(md5(encode(attributes)));
}

}  // namespace

Result<Draft> take_message(aws::Parameter& parameters) {
  if (const auto body = required(parameters, "MessageBody"); !body) return body.error();
  if (auto plain = check_fifo_parameters(parameters); !plain) return plain.error();
  const auto delay = integer(parameters, "DelaySeconds", 0, kDelaySecondsMax, "DelaySeconds must be >= 0 and <= 900.");
  if (!delay) return delay.error();
  std::string& body = parameters.find("MessageBody")->text;
  if (!aws::is_xml_text(body)) return invalid_characters();
  auto extras = read_extras(parameters);
  if (!extras) return extras.error();

  Draft draft;
  draft.bytes = body.size();
  for (const MessageAttribute& one : extras->user) draft.bytes += one.bytes();
  draft.body_md5 = hex(md5(body));
  draft.attributes_md5 = digest(extras->user);
  draft.system_attributes_md5 = digest(extras->system);
  if (const auto group = parameters.text_of("MessageGroupId"))
    extras->system.push_back({"MessageGroupId", "String", Bytes(*group)});
  draft.message = {std::move(body), std::chrono::seconds(delay->value_or(0)), encode_extras(*extras),
                   delay->has_value()};
  return draft;
}

void write_receipt_of(aws::ResultWriter& result, const Draft& draft, std::string_view id) {
  result.text("MessageId", message_id(id));
  result.text("MD5OfMessageBody", draft.body_md5);
  if (!draft.attributes_md5.empty()) result.text("MD5OfMessageAttributes", draft.attributes_md5);
  if (!draft.system_attributes_md5.empty()) result.text("MD5OfMessageSystemAttributes", draft.system_attributes_md5);
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
      return sqs_error("InvalidBatchEntryId",
                       "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can "
                       "be at most 80 letters long.");
    if (!ids.insert(*id).second) return sqs_error("BatchEntryIdsNotDistinct", "Id " + std::string(*id) + " repeated.");
    entries.push_back({std::string(*id), entry});
  }
  if (entries.empty())
    return sqs_error("EmptyBatchRequest",
                     "There should be at least one " + std::string(query_name) + " in the request.");
  if (entries.size() > limits::kQueueBatchEntries)
    return sqs_error("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent " +
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
