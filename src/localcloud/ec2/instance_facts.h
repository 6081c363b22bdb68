// What EC2 says of every instance and a process does not have: stated once, so that what is shown can be filtered by.
#pragma once

#include <string_view>

namespace facefleet::localcloud::ec2 {

inline constexpr std::string_view kImageId = "ami-00000000000000000";
inline constexpr std::string_view kInstanceType = "local.process";
inline constexpr std::string_view kAddress = "127.0.0.1";

}  // namespace facefleet::localcloud::ec2
