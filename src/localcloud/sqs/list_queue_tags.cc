#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/tags.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> list_queue_tags(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const auto attributes = co_await (*queue)->attributes();
  if (!attributes) co_return from_queue(call, attributes.error());
  const auto tags = tags_of(*attributes);
  if (tags.empty()) co_return Result<void>();
  call.result.open_map("Tags");
  for (const auto& [key, value] : tags) call.result.entry("Tag", key, value, "Key");
  call.result.close_map();
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
