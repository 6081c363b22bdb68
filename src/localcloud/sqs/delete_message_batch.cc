#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/messages.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> delete_message_batch(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const auto entries = batch_entries(call, "DeleteMessageBatchRequestEntry");
  if (!entries) co_return entries.error();

  std::vector<BatchFailure> failures;
  std::vector<std::string> ids;
  std::vector<std::string> receipts;
  for (const BatchEntry& entry : *entries) {
    const auto receipt = required(*entry.parameters, "ReceiptHandle");
    if (!receipt) {
      failures.push_back({entry.id, receipt.error()});
      continue;
    }
    ids.push_back(entry.id);
    receipts.emplace_back(*receipt);
  }
  std::vector<Result<void>> results;
  if (!receipts.empty()) results = co_await (*queue)->remove_batch(receipts);
  constexpr std::string_view kItem = "DeleteMessageBatchResultEntry";
  call.result.open_list("Successful");
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) {
      const bool garbage = results[i].error().code == Code::kInvalidInput;
      failures.push_back({ids[i], garbage ? invalid_receipt(receipts[i]) : from_queue(call, results[i].error())});
      continue;
    }
    call.result.open_item(kItem);
    call.result.text("Id", ids[i]);
    call.result.close_item(kItem);
  }
  call.result.close_list();
  write_failures(call.result, failures);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
