#include "base/limits.h"
#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/messages.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> send_message_batch(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const auto entries = batch_entries(call, "SendMessageBatchRequestEntry");
  if (!entries) co_return entries.error();

  std::vector<BatchFailure> failures;
  std::vector<queue::Outgoing> messages;
  std::vector<std::pair<std::string, Draft>> sent;  // by the entry's id
  std::size_t bytes = 0;
  for (const BatchEntry& entry : *entries) {
    auto message = take_message(*entry.parameters);
    if (!message) {
      failures.push_back({entry.id, message.error()});
      continue;
    }
    bytes += message->bytes;
    const auto fits = co_await check_length(call, **queue, message->bytes);
    if (!fits) {
      failures.push_back({entry.id, fits.error()});
      continue;
    }
    messages.push_back(std::move(message->message));
    sent.emplace_back(entry.id, std::move(*message));
  }
  if (bytes > limits::kQueueMessageBytes)
    co_return sqs_error("BatchRequestTooLong", "Batch requests cannot be longer than " +
                                                   std::to_string(limits::kQueueMessageBytes) +
                                                   " bytes. You have sent " + std::to_string(bytes) + " bytes.");

  std::vector<Result<std::string>> results;
  if (!messages.empty()) results = co_await (*queue)->send_batch(std::move(messages));
  constexpr std::string_view kItem = "SendMessageBatchResultEntry";
  call.result.open_list("Successful");
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) {
      failures.push_back({sent[i].first, from_queue(call, results[i].error())});
      continue;
    }
    call.result.open_item(kItem);
    call.result.text("Id", sent[i].first);
    write_receipt_of(call.result, sent[i].second, *results[i]);
    call.result.close_item(kItem);
  }
  call.result.close_list();
  write_failures(call.result, failures);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
