// DescribeInstances' filters. Pure functions.
#pragma once

#include <vector>

#include "localcloud/ec2/call.h"

namespace facefleet::localcloud::ec2 {

// Those of `instances` that pass all of the call's filters: any value of a filter will do, all filters must. In values
// `*` stands for any run of characters, `?` for exactly one, `\` takes their meaning from both. InvalidParameterValue
// names a filter that is not known.
Result<std::vector<fleet::Instance>> apply_filters(const Call& call, std::vector<fleet::Instance> instances);

// Whether `text` matches a filter's value.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace facefleet::localcloud::ec2
