// The SQS, S3, EC2, DynamoDB and STS doors: AWS's wire forms over Queues, LocalStore, Fleet and Tables, on one loopback
// port. One file per action under sqs/, s3/, ec2/ and dynamodb/. Thread rule: base/task.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/task.h"
#include "fleet/fleet.h"
#include "queue/queue.h"
#include "store/local_store.h"
#include "table/tables.h"

namespace facefleet::localcloud {

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 9324;
  aws::Credentials credentials;  // the one key that signatures are verified against
  // Lets any key in that a tool brings: its secret is not known, so signatures are not verified. For loopback only.
  // A web page is still kept out: what a browser sends of itself (an Origin, a link's GET, a Host that is not this
  // machine's) needs a good signature; only S3's links are read without an Authorization.
  bool any_key = false;
  std::string region = "us-east-1";
  std::string account = "000000000000";
  // SQS's pause after a purge before the next, and after a queue's deletion before one of its name.
  Millis queue_pause{limits::kQueuePauseMs};
};

struct Parts {
  queue::Queues& queues;
  store::LocalStore& store;
  table::Tables& tables;
  fleet::Fleet* fleet = nullptr;  // absent: the EC2 door answers with an error
  const Clock& clock;
  Random& random;
  Log log;
  // Shown among the instances though they are not the fleet's, as the gateway is, and tagged facefleet:role; they can
  // only be described.
  std::function<std::vector<fleet::Instance>()> other_instances = {};
};

// Where an instance finds its metadata service, below the doors' address: its own AWS_EC2_METADATA_SERVICE_ENDPOINT,
// and nobody else's to know.
std::string metadata_path(std::string_view instance_id, const aws::Credentials& credentials);

class LocalCloud {
 public:
  static Result<std::unique_ptr<LocalCloud>> open(const Executor& executor, Options options, Parts parts);
  virtual ~LocalCloud() = default;
  virtual std::uint16_t port() const = 0;
  virtual Task<> drain(MonoTime deadline) = 0;
};

}  // namespace facefleet::localcloud
