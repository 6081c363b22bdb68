#include <algorithm>

#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/attributes.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> get_queue_attributes(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const auto attributes = co_await (*queue)->attributes();
  if (!attributes) co_return from_queue(call, attributes.error());
  const auto counts = co_await (*queue)->counts();
  if (!counts) co_return from_queue(call, counts.error());

  const NamedValues all = name_attributes(call, (*queue)->name(), *attributes, *counts);
  const auto wanted = call.parameters.list("AttributeNames", "AttributeName");
  if (wanted.empty()) co_return Result<void>();
  call.result.open_map("Attributes");
  for (const auto& attribute : all) {
    const bool asked = std::ranges::any_of(
        wanted, [&](const aws::Parameter* one) { return one->text == "All" || one->text == attribute.first; });
    if (asked) call.result.entry("Attribute", attribute.first, attribute.second);
  }
  call.result.close_map();
  // An attribute that the queue does not have, such as RedrivePolicy, may be asked for; one that no queue has may not.
  for (const aws::Parameter* one : wanted) {
    const bool known = one->text == "All" || one->text == "RedrivePolicy" ||
                       std::ranges::any_of(all, [&](const auto& entry) { return entry.first == one->text; });
    if (!known) co_return unknown_attribute(one->text);
  }
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
