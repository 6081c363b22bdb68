#include <charconv>

#include "base/hash.h"
#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {
namespace {

constexpr std::size_t kTokenBytes = 64;

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

bool is_image_id(std::string_view id) {
  return id.starts_with("ami-") && id.size() > 4 &&
         id.find_first_not_of("0123456789abcdef", 4) == std::string_view::npos;
}

// Of each TagSpecification for instances; those for volumes and the like are accepted and forgotten.
Result<fleet::Tags> read_specified_tags(const Call& call) {
  fleet::Tags all;
  for (const aws::Parameter* specification : call.parameters.list("TagSpecification", "TagSpecification")) {
    auto tags = read_tags(*specification);
    if (!tags) return tags.error();
    if (specification->text_of("ResourceType") != "instance") continue;
    for (auto& [key, value] : *tags) all.insert_or_assign(key, value.value_or(""));
  }
  return all;
}

Result<fleet::Launch> read_launch(const Call& call) {
  const auto least = read_count(call, "MinCount");
  if (!least) return least.error();
  const auto most = read_count(call, "MaxCount");
  if (!most) return most.error();
  if (*least > *most)
    return ec2_error(Code::kInvalidInput, "InvalidParameterCombination", "MinCount must not be greater than MaxCount.");
  const auto text = [&call](std::string_view name) { return std::string(call.parameters.text_of(name).value_or("")); };
  auto tags = read_specified_tags(call);
  if (!tags) return tags.error();
  fleet::Launch launch;
  launch.at_least = *least;
  launch.count = *most;
  launch.token = text("ClientToken");
  launch.image_id = text("ImageId");
  launch.type = text("InstanceType");
  launch.tags = std::move(*tags);
  if (launch.token.size() > kTokenBytes)
    return ec2_error(Code::kInvalidInput, "InvalidParameterValue", "A ClientToken has at most 64 characters.");
  if (!launch.image_id.empty() && !is_image_id(launch.image_id))
    return ec2_error(Code::kInvalidInput, "InvalidAMIID.Malformed", "Invalid id: \"" + launch.image_id + "\"");
  if (!base64_decode(text("UserData")))
    return ec2_error(Code::kInvalidInput, "InvalidParameterValue", "Invalid BASE64 encoding of user data.");
  return launch;
}

}  // namespace

// The fleet runs one kind of worker: image and type are shown and filtered by, user data, keys, groups and subnets are
// accepted and change nothing.
Task<Result<void>> run_instances(Call& call) {
  auto launch = read_launch(call);
  if (!launch) co_return launch.error();
  const auto launched = co_await call.fleet.launch(std::move(*launch));
  if (!launched) co_return in_ec2_words(launched.error());

  aws::XmlWriter xml(call.result);
  xml.text("reservationId", reservation_id(launched->front()));
  xml.text("ownerId", call.service.account);
  xml.open("instancesSet");
  for (const fleet::Instance& instance : *launched) write_instance(xml, call.service, instance);
  xml.close("instancesSet");
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
