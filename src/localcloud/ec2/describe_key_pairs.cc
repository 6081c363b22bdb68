#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

// There are none: a worker process is nothing to log in to. RunInstances accepts any name.
Task<Result<void>> describe_key_pairs(Call& call) {
  for (const aws::Parameter* name : call.parameters.list("KeyName", "KeyName"))
    co_return ec2_error(Code::kInvalidInput, "InvalidKeyPair.NotFound",
                        "The key pair '" + name->text + "' does not exist");
  aws::XmlWriter xml(call.result);
  xml.open("keySet");
  xml.close("keySet");
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
