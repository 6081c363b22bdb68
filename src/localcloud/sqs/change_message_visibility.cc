#include "base/limits.h"
#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/messages.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::int64_t kLeaseSecondsMax = limits::kQueueLeaseMs / 1'000;

// One message's, of a call or of a batch's entry.
Task<Result<void>> change(Call& call, queue::Queue& queue, const aws::Parameter& parameters) {
  const auto receipt = required(parameters, "ReceiptHandle");
  if (!receipt) co_return receipt.error();
  const auto seconds =
      integer(parameters, "VisibilityTimeout", 0, kLeaseSecondsMax, "VisibilityTimeout must be >= 0 and <= 43200.");
  if (!seconds) co_return seconds.error();
  if (!*seconds) co_return missing_parameter("VisibilityTimeout");
  std::string named(*receipt);
  const auto extended = co_await queue.extend(std::move(named), std::chrono::seconds(**seconds));
  if (extended) co_return Result<void>();
  if (extended.error().reason == "lease_too_long")
    co_return invalid_parameter(std::to_string(**seconds), "VisibilityTimeout",
                                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]");
  if (extended.error().code == Code::kInvalidInput) co_return invalid_receipt(*receipt);
  if (extended.error().code == Code::kNotFound)
    co_return invalid_parameter(*receipt, "ReceiptHandle",
                                "Message does not exist or is not available for visibility timeout change.");
  co_return from_queue(call, extended.error());
}

}  // namespace

Task<Result<void>> change_message_visibility(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  auto changed = co_await change(call, **queue, call.parameters);
  co_return changed;
}

Task<Result<void>> change_message_visibility_batch(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const auto entries = batch_entries(call, "ChangeMessageVisibilityBatchRequestEntry");
  if (!entries) co_return entries.error();
  constexpr std::string_view kItem = "ChangeMessageVisibilityBatchResultEntry";
  std::vector<BatchFailure> failures;
  call.result.open_list("Successful");
  for (const BatchEntry& entry : *entries) {
    const auto changed = co_await change(call, **queue, *entry.parameters);
    if (!changed) {
      failures.push_back({entry.id, changed.error()});
      continue;
    }
    call.result.open_item(kItem);
    call.result.text("Id", entry.id);
    call.result.close_item(kItem);
  }
  call.result.close_list();
  write_failures(call.result, failures);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
