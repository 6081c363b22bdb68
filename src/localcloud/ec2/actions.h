// The actions of EC2 that this door knows: one file each, one row each in actions.cc.
#pragma once

#include <string_view>

#include "localcloud/ec2/call.h"

namespace facefleet::localcloud::ec2 {

// Does the action and writes what it answers to call.result. An Error's reason is EC2's code.
using Perform = Task<Result<void>> (*)(Call& call);

struct Action {
  std::string_view name;
  Perform perform;
};

// Null if there is none of that name.
const Action* find_action(std::string_view name);

Task<Result<void>> create_tags(Call& call);
Task<Result<void>> delete_tags(Call& call);
Task<Result<void>> describe_images(Call& call);
Task<Result<void>> describe_instance_status(Call& call);
Task<Result<void>> describe_instances(Call& call);
Task<Result<void>> describe_key_pairs(Call& call);
Task<Result<void>> describe_regions(Call& call);
Task<Result<void>> describe_tags(Call& call);
Task<Result<void>> run_instances(Call& call);
Task<Result<void>> start_instances(Call& call);
Task<Result<void>> stop_instances(Call& call);
Task<Result<void>> terminate_instances(Call& call);

}  // namespace facefleet::localcloud::ec2
