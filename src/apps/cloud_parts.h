// Queue, store and fleet as every role but `up` reaches them: through the AWS wire forms, at the endpoint that its
// environment names. On a laptop that is the local cloud's loopback port.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aws/client.h"
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

// `workers_max`: the cap that the fleet answers with; the local cloud's own fleet enforces it.
Result<CloudParts> open_cloud_parts(const Executor& executor, const std::string& instance_prefix,
                                    std::uint32_t workers_max, const Clock& clock, Random& random);

}  // namespace facefleet::apps
