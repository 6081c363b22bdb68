#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

// Once in 60 seconds, as with SQS: what works here must not fail there. Ours is done when it returns.
Task<Result<void>> purge_queue(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const std::string& name = (*queue)->name();
  if (is_recent(call.service, call.service.purged, name))
    co_return sqs_error("PurgeQueueInProgress",
                        "Only one PurgeQueue operation on " + name + " is allowed every 60 seconds.");
  const auto purged = co_await (*queue)->purge();
  if (!purged) co_return from_queue(call, purged.error());
  call.service.purged[name] = call.service.clock.now();
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
