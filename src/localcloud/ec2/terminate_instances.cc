#include <algorithm>

#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

Task<Result<void>> terminate_instances(Call& call) {
  const auto ids = instance_ids(call);
  if (!ids) co_return ids.error();
  if (ids->empty())
    co_return ec2_error(Code::kInvalidInput, "MissingParameter", "The request must contain the parameter InstanceId");
  const auto listed = co_await call.fleet.list();
  if (!listed) co_return listed.error();
  const auto before = select_instances(*listed, *ids);
  if (!before) co_return before.error();
  const auto terminated = co_await call.fleet.terminate(*ids);
  if (!terminated) co_return terminated.error();
  const auto after = co_await call.fleet.list();
  if (!after) co_return after.error();

  aws::XmlWriter xml(call.result);
  xml.open("instancesSet");
  for (const fleet::Instance& instance : *before) {
    const auto now = std::ranges::find(*after, instance.id, &fleet::Instance::id);
    xml.open("item");
    xml.text("instanceId", instance.id);
    write_state(xml, "currentState", now != after->end() ? now->state : fleet::InstanceState::kTerminated);
    write_state(xml, "previousState", instance.state);
    xml.close("item");
  }
  xml.close("instancesSet");
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
