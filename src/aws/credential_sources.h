// Where keys may be, in the order in which AWS's own SDKs look: environment, web identity, profile files, container,
// instance metadata. Each is asked anew every time, so that a file that changes is read again.
// Thread rule: base/task.h.
#pragma once

#include <string>

#include "aws/credentials.h"
#include "aws/environment.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::aws {

// What the sources look at.
struct Surroundings {
  Environment environment;
  std::string sts_url;  // where STS is, for web identity
  std::string ca_file;  // as Endpoint::ca_file
  const Clock& clock;
  Random& random;
};

// The first source's that has any. kInvalidInput, naming what was tried, if none has; otherwise the error of the first
// that is there and fails: a stronger one is never passed over for a weaker. `around` outlives the task.
Task<Result<Granted>> find_credentials(const Surroundings& around);

// The sources. kNotFound: there is none of this kind here, and why.
Task<Result<Granted>> credentials_of_environment(const Surroundings& around);
Task<Result<Granted>> credentials_of_web_identity(const Surroundings& around);
Task<Result<Granted>> credentials_of_profile(const Surroundings& around);
Task<Result<Granted>> credentials_of_container(const Surroundings& around);
Task<Result<Granted>> credentials_of_instance(const Surroundings& around);

// AWS_EC2_METADATA_DISABLED.
bool is_metadata_disabled(const Environment& environment);

}  // namespace facefleet::aws
