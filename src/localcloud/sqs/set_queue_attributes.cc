#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/attributes.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> set_queue_attributes(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  auto attributes = co_await (*queue)->attributes();
  if (!attributes) co_return from_queue(call, attributes.error());
  const auto applied = co_await apply_attributes(call, *attributes);
  if (!applied) co_return applied.error();
  const auto set = co_await (*queue)->set_attributes(std::move(*attributes));
  if (!set) co_return from_queue(call, set.error());
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
