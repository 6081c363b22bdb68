// EC2's query form: parameters in, XML out. Pure functions.
// Source: the service model `ec2` of 2016-11-15, protocol ec2.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/fleet.h"

namespace facefleet::fleet::ec2 {

// `Action=…&Version=2016-11-15&name=value…`
class Parameters {
 public:
  explicit Parameters(std::string_view action);
  Parameters& add(std::string_view name, std::string_view value);
  // `name.1=…&name.2=…`
  Parameters& add_list(std::string_view name, const std::vector<std::string>& values);
  // `name.1.Key=…&name.1.Value=…`
  Parameters& add_tags(std::string_view name, const Tags& tags);
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

struct Page {
  std::vector<Instance> instances;
  std::string next;  // empty on the last page
};

// The instances of an answer to DescribeInstances or RunInstances. kUnavailable with reason `bad_answer` if it is none.
Result<Page> read_instances(std::string_view body);

// The states, by id, that an answer to StartInstances, StopInstances or TerminateInstances says are current.
std::map<std::string, InstanceState> read_changes(std::string_view body);

}  // namespace facefleet::fleet::ec2
