#include <algorithm>

#include "localcloud/ec2/actions.h"
#include "localcloud/ec2/filters.h"

namespace facefleet::localcloud::ec2 {
namespace {

constexpr std::size_t kPageMin = 5;

// A worker has passed its checks once it has said that it takes jobs.
std::string_view status_of(const fleet::Instance& instance) {
  if (instance.state != fleet::InstanceState::kRunning) return "not-applicable";
  const bool loads =
      instance.worker == fleet::WorkerState::kUnknown || instance.worker == fleet::WorkerState::kStarting;
  return loads && instance.pid != 0 ? "initializing" : "ok";
}

void write_check(aws::XmlWriter& xml, std::string_view element, std::string_view status) {
  xml.open(element);
  xml.text("status", status);
  if (status != "not-applicable") {
    xml.open("details");
    xml.open("item");
    xml.text("name", "reachability");
    xml.text("status", status == "ok" ? "passed" : status);
    xml.close("item");
    xml.close("details");
  }
  xml.close(element);
}

}  // namespace

// Of running instances, unless IncludeAllInstances asks for the others too.
Task<Result<void>> describe_instance_status(Call& call) {
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
  if (call.parameters.text_of("IncludeAllInstances") != "true")
    std::erase_if(*listed, [](const fleet::Instance& of) { return of.state != fleet::InstanceState::kRunning; });
  auto instances = apply_filters(call, std::move(*listed));
  if (!instances) co_return instances.error();
  const auto more = cut_page(*instances, *page, &fleet::Instance::id);
  if (!more) co_return more.error();

  aws::XmlWriter xml(call.result);
  xml.open("instanceStatusSet");
  for (const fleet::Instance& instance : *instances) {
    xml.open("item");
    xml.text("instanceId", instance.id);
    xml.text("availabilityZone", call.service.region + "a");
    write_state(xml, "instanceState", instance.state);
    write_check(xml, "systemStatus", status_of(instance));
    write_check(xml, "instanceStatus", status_of(instance));
    xml.close("item");
  }
  xml.close("instanceStatusSet");
  if (*more) xml.text("nextToken", instances->back().id);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
