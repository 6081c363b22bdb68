#include "localcloud/ec2/actions.h"

#include <algorithm>
#include <array>

namespace facefleet::localcloud::ec2 {
namespace {

constexpr std::array kActions{
    Action{"CreateTags", &create_tags},
    Action{"DeleteTags", &delete_tags},
    Action{"DescribeImages", &describe_images},
    Action{"DescribeInstanceStatus", &describe_instance_status},
    Action{"DescribeInstances", &describe_instances},
    Action{"DescribeKeyPairs", &describe_key_pairs},
    Action{"DescribeRegions", &describe_regions},
    Action{"DescribeTags", &describe_tags},
    Action{"RunInstances", &run_instances},
    Action{"StartInstances", &start_instances},
    Action{"StopInstances", &stop_instances},
    Action{"TerminateInstances", &terminate_instances},
};

}  // namespace

const Action* find_action(std::string_view name) {
  const auto found = std::ranges::find(kActions, name, &Action::name);
  return found != kActions.end() ? &*found : nullptr;
}

}  // namespace facefleet::localcloud::ec2
