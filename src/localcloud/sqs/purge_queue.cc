#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

// SQS allows this once in 60 seconds, because its purge takes that long; ours is done when it returns.
Task<Result<void>> purge_queue(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const auto purged = co_await (*queue)->purge();
  if (!purged) co_return from_queue(call, purged.error());
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
