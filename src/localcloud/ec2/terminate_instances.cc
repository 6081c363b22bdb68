#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

Task<Result<void>> terminate_instances(Call& call) { return change_states(call, &fleet::Fleet::terminate); }

}  // namespace facefleet::localcloud::ec2
