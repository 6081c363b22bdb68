#include <algorithm>
#include <array>

#include "localcloud/ec2/actions.h"
#include "localcloud/ec2/filters.h"
#include "localcloud/ec2/instance_facts.h"

namespace facefleet::localcloud::ec2 {
namespace {

constexpr std::string_view kName = "facefleet-worker";

struct Row {
  std::string_view name, value;
};
// What the one image is filtered by.
constexpr std::array kImageFilters{
    Row{"architecture", "x86_64"},
    Row{"image-id", kImageId},
    Row{"image-type", "machine"},
    Row{"is-public", "false"},
    Row{"name", kName},
    Row{"root-device-type", "ebs"},
    Row{"state", "available"},
    Row{"virtualization-type", "hvm"},
};

bool any_matches(const std::vector<const aws::Parameter*>& patterns, std::string_view value) {
  return std::ranges::any_of(patterns, [&](const aws::Parameter* pattern) { return matches(pattern->text, value); });
}

// Whether the one image is asked for.
Result<bool> is_wanted(const Call& call) {
  for (const aws::Parameter* id : call.parameters.list("ImageId", "ImageId"))
    if (id->text != kImageId)
      return ec2_error(Code::kInvalidInput, "InvalidAMIID.NotFound",
                       "The image id '[" + id->text + "]' does not exist");
  const auto owners = call.parameters.list("Owner", "Owner");
  bool wanted = owners.empty() || any_matches(owners, "self") || any_matches(owners, call.service.account);
  for (const aws::Parameter* filter : call.parameters.list("Filter", "Filter")) {
    const std::string_view name = filter->text_of("Name").value_or("");
    const auto* row = std::ranges::find(kImageFilters, name, &Row::name);
    if (row == kImageFilters.end())
      return ec2_error(Code::kInvalidInput, "InvalidParameterValue",
                       "The filter '" + std::string(name) + "' is invalid");
    wanted = wanted && any_matches(filter->list("Value", "Value"), row->value);
  }
  return wanted;
}

}  // namespace

// The one that all workers run, whichever RunInstances names.
Task<Result<void>> describe_images(Call& call) {
  const auto wanted = is_wanted(call);
  if (!wanted) co_return wanted.error();
  aws::XmlWriter xml(call.result);
  xml.open("imagesSet");
  if (*wanted) {
    xml.open("item");
    xml.text("imageId", kImageId);
    xml.text("imageLocation", call.service.account + "/" + std::string(kName));
    xml.text("imageState", "available");
    xml.text("imageOwnerId", call.service.account);
    xml.text("isPublic", "false");
    xml.text("architecture", "x86_64");
    xml.text("imageType", "machine");
    xml.text("name", kName);
    xml.text("rootDeviceType", "ebs");
    xml.text("virtualizationType", "hvm");
    xml.close("item");
  }
  xml.close("imagesSet");
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
