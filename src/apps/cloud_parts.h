// Queue, store and fleet as every role but `up` reaches them: through the AWS wire forms, at the endpoint that its
// environment names. On a laptop that is the local cloud's loopback port.
#pragma once

#include <memory>
#include <string>

#include "aws/client.h"
#include "config/profile.h"
#include "fleet/fleet.h"
#include "queue/queue.h"
#include "store/object_store.h"

namespace facefleet::apps {

struct CloudParts {
  std::unique_ptr<aws::Client> sqs_client, s3_client, ec2_client;
  std::unique_ptr<queue::Queues> queues;
  std::unique_ptr<store::ObjectStore> store;
  std::unique_ptr<fleet::Fleet> fleet;
};

// The fleet's cap is the profile's; the local cloud's own fleet enforces it, EC2 knows of none. kInvalidInput if a file
// that the profile names cannot be read.
Result<CloudParts> open_cloud_parts(const Executor& executor, const config::Profile& profile, const Clock& clock,
                                    Random& random);

}  // namespace facefleet::apps
