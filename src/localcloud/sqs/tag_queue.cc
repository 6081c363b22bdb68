#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/tags.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> tag_queue(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  auto attributes = co_await (*queue)->attributes();
  if (!attributes) co_return from_queue(call, attributes.error());
  if (call.parameters.map("Tags", "Tag", "Key").empty()) co_return missing_parameter("Tags");
  const auto tagged = apply_tags(call, *attributes);
  if (!tagged) co_return tagged.error();
  const auto set = co_await (*queue)->set_attributes(std::move(*attributes));
  if (!set) co_return from_queue(call, set.error());
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
