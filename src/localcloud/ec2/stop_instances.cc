#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

// Force and Hibernate make no difference: a worker always finishes what it has leased.
Task<Result<void>> stop_instances(Call& call) { return change_states(call, &fleet::Fleet::stop); }

}  // namespace facefleet::localcloud::ec2
