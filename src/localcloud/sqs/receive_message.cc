#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/limits.h"
#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/message_attributes.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::int64_t kLeaseSecondsMax = limits::kQueueLeaseMs / 1'000;
constexpr std::int64_t kWaitSecondsMax = limits::kQueueWaitMs / 1'000;

constexpr std::array<std::string_view, 10> kSystemAttributes{"All",
                                                             "ApproximateFirstReceiveTimestamp",
                                                             "ApproximateReceiveCount",
                                                             "AWSTraceHeader",
                                                             "DeadLetterQueueSourceArn",
                                                             "MessageDeduplicationId",
                                                             "MessageGroupId",
                                                             "SenderId",
                                                             "SentTimestamp",
                                                             "SequenceNumber"};

// Which of a message's attributes were asked for, by either of the two names that the parameter has had.
class Wanted {
 public:
  explicit Wanted(const aws::Parameter& parameters) {
    for (const auto& [json_name, query_name] : {std::pair("MessageSystemAttributeNames", "MessageSystemAttributeName"),
                                                std::pair("AttributeNames", "AttributeName")})
      for (const aws::Parameter* name : parameters.list(json_name, query_name)) names_.push_back(name->text);
    for (const aws::Parameter* name : parameters.list("MessageAttributeNames", "MessageAttributeName"))
      of_callers_.push_back(name->text);
    all_ = std::ranges::find(names_, "All") != names_.end();
  }
  bool any() const { return !names_.empty(); }
  // Those of the caller's own attributes that are asked for.
  MessageAttributes of_callers(MessageAttributes attributes) const {
    std::erase_if(attributes, [this](const MessageAttribute& one) { return !is_wanted(one.name, of_callers_); });
    return attributes;
  }
  // The first name that no message has.
  std::optional<std::string_view> unknown() const {
    const auto found = std::ranges::find_if(names_, [](std::string_view name) {
      return std::ranges::find(kSystemAttributes, name) == kSystemAttributes.end();
    });
    return found == names_.end() ? std::nullopt : std::optional(*found);
  }
  bool has(std::string_view name) const { return all_ || std::ranges::find(names_, name) != names_.end(); }

 private:
  std::vector<std::string_view> names_;
  std::vector<std::string_view> of_callers_;
  bool all_ = false;
};

void write_attributes(Call& call, const Wanted& wanted, const queue::Message& message,
                      const MessageAttributes& of_system) {
  const auto write = [&](std::string_view name, const std::string& value) {
    if (wanted.has(name)) call.result.entry("Attribute", name, value);
  };
  call.result.open_map("Attributes");
  write("SenderId", call.service.account);
  write("SentTimestamp", std::to_string(message.sent_ms));
  write("ApproximateReceiveCount", std::to_string(message.receive_count));
  write("ApproximateFirstReceiveTimestamp", std::to_string(message.first_received_ms));
  for (const MessageAttribute& one : of_system) write(one.name, one.value);
  call.result.close_map();
}

// A message whose extras are not of this door was sent by another way, and has no attributes.
void write_message(Call& call, const Wanted& wanted, const queue::Message& message) {
  const Extras extras = decode_extras(message.extras).value_or(Extras{});
  call.result.open_item("Message");
  call.result.text("MessageId", message_id(message.id));
  call.result.text("ReceiptHandle", message.receipt);
  call.result.text("MD5OfBody", hex(md5(message.body)));
  call.result.text("Body", message.body);
  if (wanted.any()) write_attributes(call, wanted, message, extras.system);
  if (const MessageAttributes given = wanted.of_callers(extras.user); !given.empty()) {
    call.result.text("MD5OfMessageAttributes", hex(md5(encode(given))));
    write_message_attributes(call.result, given);
  }
  call.result.close_item("Message");
}

// SQS hands out no more once so many are in flight: it says so at once, or lets a long poll end without any.
Task<Result<bool>> is_over_limit(Call& call, queue::Queue& queue, bool waits) {
  const auto counts = co_await queue.counts();
  if (!counts) co_return from_queue(call, counts.error());
  if (counts->in_flight < limits::kQueueInFlight) co_return false;
  if (waits) co_return true;
  co_return Error{Code::kBusy, "Too many messages in flight: delete some, or let their visibility time out.",
                  "OverLimit"};
}

Result<queue::Receive> read_request(const Call& call) {
  const auto max = integer(call.parameters, "MaxNumberOfMessages", 1, limits::kQueueBatchEntries,
                           "Must be between 1 and 10, if provided.");
  if (!max) return max.error();
  const auto wait =
      integer(call.parameters, "WaitTimeSeconds", 0, kWaitSecondsMax, "Must be >= 0 and <= 20, if provided.");
  if (!wait) return wait.error();
  const auto lease =
      integer(call.parameters, "VisibilityTimeout", 0, kLeaseSecondsMax, "Must be >= 0 and <= 43200, if provided.");
  if (!lease) return lease.error();
  queue::Receive request;
  request.max = static_cast<std::uint32_t>(max->value_or(1));
  request.wait = std::chrono::seconds(wait->value_or(0));
  if (*lease) request.lease = std::chrono::seconds(**lease);
  request.consumer = call.consumer;
  return request;
}

}  // namespace

Task<Result<void>> receive_message(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  auto request = read_request(call);
  if (!request) co_return request.error();
  const Wanted wanted(call.parameters);
  if (const auto unknown = wanted.unknown()) co_return unknown_attribute(*unknown);
  if (!call.parameters.find("WaitTimeSeconds")) {
    const auto attributes = co_await (*queue)->attributes();
    if (!attributes) co_return from_queue(call, attributes.error());
    request->wait = attributes->receive_wait;
  }
  const auto full = co_await is_over_limit(call, **queue, request->wait > Millis{0});
  if (!full) co_return full.error();
  if (*full) {
    co_await sleep_for(request->wait);
    co_return Result<void>();
  }
  const auto messages = co_await (*queue)->receive(std::move(*request));
  if (!messages) co_return from_queue(call, messages.error());
  if (messages->empty()) co_return Result<void>();

  call.result.open_list("Messages");
  for (const queue::Message& message : *messages) write_message(call, wanted, message);
  call.result.close_list();
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
