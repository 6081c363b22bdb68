#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> delete_queue(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const std::string name = (*queue)->name();
  const auto removed = co_await call.service.queues.remove(name);
  if (!removed) co_return from_queue(call, removed.error());
  call.service.purged.erase(name);
  call.service.deleted[name] = call.service.clock.now();
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
