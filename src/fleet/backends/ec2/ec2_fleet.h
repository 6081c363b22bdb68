// A Fleet of EC2 instances, or of whatever a service that speaks EC2's query form (2016-11-15) calls instances.
//
// What a worker says of itself is read from the tags `facefleet:worker`, `facefleet:worker-since` (milliseconds since
// 1970), `facefleet:jobs-done` and `facefleet:pid`. One DescribeInstances a list(), whatever the fleet's size. EC2 may
// list an instance only some time after its launch; until then this fleet adds it to what EC2 says.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aws/client.h"
#include "base/clock.h"
#include "fleet/fleet.h"

namespace facefleet::fleet {

struct Ec2Options {
  // An instance is this fleet's if its Name begins so, and, where `system` is not empty, its tag `facefleet:system` has
  // that value. New ones get the lowest numbers, from 1, that no live instance has, unless the service names them.
  std::string name_prefix = "app-tier-instance-";
  std::string system;
  std::string image_id = "ami-00000000000000000";  // the local cloud takes any
  std::string instance_type = "t2.micro";
  std::uint32_t cap = 1;
};

// `client` must be a client of service "ec2". It and `clock` must outlive the fleet and whatever it was asked.
std::unique_ptr<Fleet> open_ec2_fleet(aws::Client& client, Ec2Options options, const Clock& clock);

}  // namespace facefleet::fleet
