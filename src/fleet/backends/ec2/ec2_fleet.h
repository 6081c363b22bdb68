// A Fleet of EC2 instances, or of whatever a service that speaks EC2's query form (2016-11-15) calls instances.
//
// What a worker says of itself is read from the tags `facefleet:worker`, `facefleet:worker-since` (milliseconds since
// 1970), `facefleet:jobs-done` and `facefleet:pid`. One DescribeInstances a list(), whatever the fleet's size; what a
// list() has just seen is not asked again to see whether the cap allows a launch or a start. EC2 shows what it was told
// only some time after it acknowledged it: until then this fleet's own word stands in its lists and counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aws/client.h"
#include "base/clock.h"
#include "base/ids.h"
#include "fleet/fleet.h"

namespace facefleet::fleet {

struct Ec2Options {
  // An instance is this fleet's if its Name begins so, unless its tag `facefleet:system` names another system than
  // `system`; new ones get that tag, where `system` is not empty, and the lowest numbers, from 1, that no live instance
  // has, unless the service names them. So instances that were made by hand belong to the fleet by their names alone.
  std::string name_prefix = "app-tier-instance-";
  std::string system;
  // What instances are launched with; what is empty is not said. A launch that names an image or a type has its own.
  std::string image_id = "ami-00000000000000000";  // the local cloud takes any
  std::string instance_type = "t2.micro";
  std::string key_name, subnet_id, instance_profile;
  std::vector<std::string> security_group_ids;
  std::string user_data;  // as it is, not base64
  std::uint32_t cap = 1;
};

// `client` must be a client of service "ec2". It, `clock` and `random` must outlive the fleet and whatever it was
// asked.
std::unique_ptr<Fleet> open_ec2_fleet(aws::Client& client, Ec2Options options, const Clock& clock, Random& random);

}  // namespace facefleet::fleet
