#include <algorithm>

#include "base/hash.h"
#include "base/limits.h"
#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::int64_t kLeaseSecondsMax = limits::kQueueLeaseMs / 1'000;
constexpr std::int64_t kWaitSecondsMax = limits::kQueueWaitMs / 1'000;

// Which of a message's attributes were asked for, by either of the two names that the parameter has had.
class Wanted {
 public:
  explicit Wanted(const aws::Parameter& parameters) {
    for (const auto& [json_name, query_name] : {std::pair("MessageSystemAttributeNames", "MessageSystemAttributeName"),
                                                std::pair("AttributeNames", "AttributeName")})
      for (const aws::Parameter* name : parameters.list(json_name, query_name)) names_.push_back(name->text);
    all_ = std::ranges::find(names_, "All") != names_.end();
  }
  bool any() const { return !names_.empty(); }
  bool has(std::string_view name) const { return all_ || std::ranges::find(names_, name) != names_.end(); }

 private:
  std::vector<std::string_view> names_;
  bool all_ = false;
};

void write_attributes(Call& call, const Wanted& wanted, const queue::Message& message) {
  const auto write = [&](std::string_view name, const std::string& value) {
    if (wanted.has(name)) call.result.entry("Attribute", name, value);
  };
  call.result.open_map("Attributes");
  write("SenderId", call.service.account);
  write("SentTimestamp", std::to_string(message.sent_ms));
  write("ApproximateReceiveCount", std::to_string(message.receive_count));
  write("ApproximateFirstReceiveTimestamp", std::to_string(message.first_received_ms));
  call.result.close_map();
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
  if (!call.parameters.find("WaitTimeSeconds")) {
    const auto attributes = co_await (*queue)->attributes();
    if (!attributes) co_return from_queue(call, attributes.error());
    request->wait = attributes->receive_wait;
  }
  const auto messages = co_await (*queue)->receive(std::move(*request));
  if (!messages) co_return from_queue(call, messages.error());
  if (messages->empty()) co_return Result<void>();

  const Wanted wanted(call.parameters);
  call.result.open_list("Messages");
  for (const queue::Message& message : *messages) {
    call.result.open_item("Message");
    call.result.text("MessageId", message_id(message.id));
    call.result.text("ReceiptHandle", message.receipt);
    call.result.text("MD5OfBody", hex(md5(message.body)));
    call.result.text("Body", message.body);
    if (wanted.any()) write_attributes(call, wanted, message);
    call.result.close_item("Message");
  }
  call.result.close_list();
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
