#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> get_queue_url(Call& call) {
  const auto given = required(call.parameters, "QueueName");
  if (!given) co_return given.error();
  const std::string name(*given);
  const auto queue = co_await call.service.queues.open(name);
  if (!queue) co_return from_queue(call, queue.error());
  call.result.text("QueueUrl", queue_url(call, name));
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
