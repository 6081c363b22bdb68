#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

Task<Result<void>> start_instances(Call& call) { return change_states(call, &fleet::Fleet::start); }

}  // namespace facefleet::localcloud::ec2
