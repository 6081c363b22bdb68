#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

// The one that this cloud is.
Task<Result<void>> describe_regions(Call& call) {
  const std::string& region = call.service.region;
  for (const aws::Parameter* name : call.parameters.list("RegionName", "RegionName"))
    if (name->text != region)
      co_return ec2_error(Code::kInvalidInput, "InvalidParameterValue", "Invalid region names: [" + name->text + "]");
  aws::XmlWriter xml(call.result);
  xml.open("regionInfo");
  xml.open("item");
  xml.text("regionName", region);
  xml.text("regionEndpoint", "ec2." + region + ".amazonaws.com");
  xml.text("optInStatus", "opt-in-not-required");
  xml.close("item");
  xml.close("regionInfo");
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
