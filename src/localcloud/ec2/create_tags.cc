#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

Task<Result<void>> create_tags(Call& call) {
  auto ids = resource_ids(call);
  if (!ids) co_return ids.error();
  const auto read = read_tags(call.parameters);
  if (!read) co_return read.error();
  if (read->empty())
    co_return ec2_error(Code::kInvalidInput, "MissingParameter", "The request must contain the parameter Tag");
  fleet::Tags tags;
  for (const auto& [key, value] : *read) tags.emplace(key, value.value_or(""));
  const auto created = co_await call.fleet.create_tags(std::move(*ids), std::move(tags));
  if (!created) co_return in_ec2_words(created.error());
  aws::XmlWriter(call.result).boolean("return", true);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
