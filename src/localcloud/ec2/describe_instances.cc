#include <algorithm>

#include "localcloud/ec2/actions.h"
#include "localcloud/ec2/filters.h"

namespace facefleet::localcloud::ec2 {
constexpr std::size_t kPageMin = 5;

Task<Result<void>> describe_instances(Call& call) {
  const auto ids = instance_ids(call);
  if (!ids) co_return ids.error();
  const auto page = read_page(call, kPageMin, !ids->empty());
  if (!page) co_return page.error();
  auto listed = co_await list_all(call);
  if (!listed) co_return listed.error();
  if (!ids->empty()) {
    auto selected = select_instances(*listed, *ids);
    if (!selected) co_return selected.error();
    *listed = std::move(*selected);
  }
  auto instances = apply_filters(call, std::move(*listed));
  if (!instances) co_return instances.error();
  const auto more = cut_page(*instances, *page, &fleet::Instance::id);
  if (!more) co_return more.error();

  call.result.reserve(instances->size() * 1'200 + 64);
  aws::XmlWriter xml(call.result);
  xml.open("reservationSet");
  for (const fleet::Instance& instance : *instances) {
    xml.open("item");
    xml.text("reservationId", reservation_id(instance));
    xml.text("ownerId", call.service.account);
    xml.open("instancesSet");
    write_instance(xml, call.service, instance);
    xml.close("instancesSet");
    xml.close("item");
  }
  xml.close("reservationSet");
  if (*more) xml.text("nextToken", instances->back().id);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
