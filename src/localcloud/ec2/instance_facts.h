// What EC2 says of every instance and a process does not have: stated once, so that what is shown can be filtered by.
#pragma once

#include <string_view>

#include "fleet/fleet.h"

namespace facefleet::localcloud::ec2 {

inline constexpr std::string_view kImageId = "ami-00000000000000000";
inline constexpr std::string_view kInstanceType = "local.process";
inline constexpr std::string_view kAddress = "127.0.0.1";

inline std::string_view image_of(const fleet::Instance& instance) {
  return instance.image_id.empty() ? kImageId : std::string_view(instance.image_id);
}
inline std::string_view type_of(const fleet::Instance& instance) {
  return instance.type.empty() ? kInstanceType : std::string_view(instance.type);
}

}  // namespace facefleet::localcloud::ec2
