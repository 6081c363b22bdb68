#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

// Without a tag, all that were given go.
Task<Result<void>> delete_tags(Call& call) {
  const auto ids = resource_ids(call);
  if (!ids) co_return ids.error();
  auto keys = read_tags(call.parameters);
  if (!keys) co_return keys.error();
  if (keys->empty()) {
    const auto listed = co_await call.fleet.list();
    if (!listed) co_return listed.error();
    const auto selected = select_instances(*listed, *ids);
    if (!selected) co_return selected.error();
    keys->emplace("Name", std::nullopt);
    for (const fleet::Instance& instance : *selected)
      for (const auto& [key, value] : instance.tags) keys->emplace(key, std::nullopt);
  }
  const auto deleted = co_await call.fleet.delete_tags(*ids, std::move(*keys));
  if (!deleted) co_return in_ec2_words(deleted.error());
  aws::XmlWriter(call.result).boolean("return", true);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
