#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> delete_message(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const auto receipt = required(call.parameters, "ReceiptHandle");
  if (!receipt) co_return receipt.error();
  std::string named(*receipt);
  const auto removed = co_await (*queue)->remove(std::move(named));
  if (removed) co_return Result<void>();
  if (removed.error().code == Code::kInvalidInput) co_return invalid_receipt(*receipt);
  co_return from_queue(call, removed.error());
}

}  // namespace facefleet::localcloud::sqs
