#include <algorithm>
#include <charconv>

#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {
namespace {

Result<std::uint32_t> read_count(const Call& call, std::string_view name) {
  const auto text = call.parameters.text_of(name);
  if (!text)
    return ec2_error(Code::kInvalidInput, "MissingParameter",
                     "The request must contain the parameter " + std::string(name));
  std::uint32_t count = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), count);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size() || count == 0)
    return ec2_error(Code::kInvalidInput, "InvalidParameterValue",
                     "Value (" + std::string(*text) + ") for parameter " + std::string(name) +
                         " is invalid. It must be a number greater than 0.");
  return count;
}

Error no_capacity(std::uint32_t free, std::uint32_t cap) {
  return ec2_error(Code::kBusy, "InsufficientInstanceCapacity",
                   "This machine's fleet may have " + std::to_string(cap) + " instances at once; " +
                       std::to_string(free) + " more can be launched now.");
}

bool takes_room(const fleet::Instance& instance) {
  return instance.state != fleet::InstanceState::kTerminated && instance.state != fleet::InstanceState::kStopped;
}

}  // namespace

// Image, type, names and tags are the fleet's own: it runs one kind of worker and numbers them itself.
Task<Result<void>> run_instances(Call& call) {
  const auto least = read_count(call, "MinCount");
  if (!least) co_return least.error();
  const auto most = read_count(call, "MaxCount");
  if (!most) co_return most.error();
  if (*least > *most)
    co_return ec2_error(Code::kInvalidInput, "InvalidParameterCombination",
                        "MinCount must not be greater than MaxCount.");
  const auto before = co_await call.fleet.list();
  if (!before) co_return before.error();
  const std::uint32_t cap = call.fleet.cap();
  const auto live = static_cast<std::uint32_t>(std::ranges::count_if(*before, &takes_room));
  const std::uint32_t free = cap - std::min(cap, live);
  if (free < *least) co_return no_capacity(free, cap);
  const auto launched = co_await call.fleet.launch(*most);
  if (!launched) {
    if (launched.error().code == Code::kBusy) co_return no_capacity(free, cap);
    co_return launched.error();
  }

  aws::XmlWriter xml(call.result);
  xml.text("reservationId", reservation_id(launched->front()));
  xml.text("ownerId", call.service.account);
  xml.open("instancesSet");
  for (const fleet::Instance& instance : *launched) write_instance(xml, call.service, instance);
  xml.close("instancesSet");
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
