#include <algorithm>
#include <charconv>

#include "localcloud/ec2/actions.h"
#include "localcloud/ec2/filters.h"

namespace facefleet::localcloud::ec2 {
namespace {

constexpr std::size_t kPageMin = 5;
constexpr std::size_t kPageMax = 1'000;

struct Page {
  std::size_t max = kPageMax;
  std::string after;  // the last instance id of the page before
};

Result<Page> read_page(const Call& call, bool by_id) {
  Page page;
  page.after = call.parameters.text_of("NextToken").value_or("");
  const auto text = call.parameters.text_of("MaxResults");
  if (!text) return page;
  if (by_id)
    return ec2_error(Code::kInvalidInput, "InvalidParameterCombination",
                     "The parameter instancesSet cannot be used with the parameter maxResults");
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), page.max);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size() || page.max < kPageMin ||
      page.max > kPageMax)
    return ec2_error(Code::kInvalidInput, "InvalidParameterValue",
                     "Value ( " + std::string(*text) +
                         " ) for parameter maxResults is invalid. Expecting a value "
                         "between 5 and 1000.");
  return page;
}

}  // namespace

Task<Result<void>> describe_instances(Call& call) {
  const auto ids = instance_ids(call);
  if (!ids) co_return ids.error();
  const auto page = read_page(call, !ids->empty());
  if (!page) co_return page.error();
  auto listed = co_await call.fleet.list();
  if (!listed) co_return listed.error();
  if (!ids->empty()) {
    auto selected = select_instances(*listed, *ids);
    if (!selected) co_return selected.error();
    *listed = std::move(*selected);
  }
  auto instances = apply_filters(call, std::move(*listed));
  if (!instances) co_return instances.error();
  if (!page->after.empty()) {
    const auto last = std::ranges::find(*instances, page->after, &fleet::Instance::id);
    if (last == instances->end())
      co_return ec2_error(Code::kInvalidInput, "InvalidParameterValue", "The token '" + page->after + "' is invalid");
    instances->erase(instances->begin(), last + 1);
  }
  const bool more = instances->size() > page->max;
  if (more) instances->resize(page->max);

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
  if (more) xml.text("nextToken", instances->back().id);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
