// What every EC2 action is handed, and what they share. Thread rule: base/task.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/wire.h"
#include "base/task.h"
#include "fleet/fleet.h"

namespace facefleet::localcloud::ec2 {

// What the door hands to all its calls.
struct Service {
  fleet::Fleet* fleet;  // null: there is none on this machine
  std::string region;
  std::string account;
};

// One call; lives until its action has ended.
struct Call {
  Service& service;
  fleet::Fleet& fleet;
  aws::Parameter parameters;
  std::string result;  // the inside of <ActionResponse>, behind <requestId>
};

// An Error whose reason is EC2's code.
Error ec2_error(Code code, std::string_view aws_code, std::string_view message);

// The call's InstanceId.1, .2, …; InvalidInstanceID.Malformed if one is no id.
Result<std::vector<std::string>> instance_ids(const Call& call);
// Those of `all` that `ids` name; InvalidInstanceID.NotFound, with all that are missing, if one is not among them.
Result<std::vector<fleet::Instance>> select_instances(const std::vector<fleet::Instance>& all,
                                                      const std::vector<std::string>& ids);

// <item> of an instancesSet, as DescribeInstances and RunInstances show an instance.
void write_instance(aws::XmlWriter& xml, const Service& service, const fleet::Instance& instance);
// <instanceState><code/><name/></instanceState>, under whichever name.
void write_state(aws::XmlWriter& xml, std::string_view element, fleet::InstanceState state);
// The reservation that an instance belongs to: one of its own.
std::string reservation_id(const fleet::Instance& instance);

// What a worker says of itself, and the instance's own tags, as EC2 tags. `Name` comes first.
std::vector<std::pair<std::string, std::string>> tags_of(const fleet::Instance& instance);

}  // namespace facefleet::localcloud::ec2
