// What a process knows of AWS before its first call: its region, where the services are, and its credentials, one for
// all clients. As AWS's own tools find them: in the environment, then in the profile files, then on the instance.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/client.h"
#include "aws/environment.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"

namespace facefleet::aws {

class Session {
 public:
  // Blocks while region or credentials must be asked for over the network, a few seconds at most; where the
  // environment names endpoint, region and keys, nothing is asked and no file is read. kInvalidInput or kDenied, with
  // what to do, where there is no region, there are no credentials, or those there are refused; a source that does not
  // answer just now is asked again when they are needed.
  static Result<std::unique_ptr<Session>> open(const Executor& executor, const Environment& environment,
                                               const Clock& clock, Random& random, Log log);
  virtual ~Session() = default;

  // Of `service` ("sqs", "s3", "ec2", "dynamodb"): what AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL name, else the
  // profile's endpoint_url, else AWS's own of the region. `region`: instead of the session's.
  virtual Result<Endpoint> endpoint(const std::string& service, const std::string& region = "") const = 0;
};

}  // namespace facefleet::aws
