// Queue, store and fleet as every role but `up` reaches them: through the AWS wire forms, at the endpoint that its
// environment names. On a laptop that is the local cloud's loopback port.
#pragma once

#include <memory>
#include <string>

#include "aws/client.h"
#include "aws/session.h"
#include "base/log.h"
#include "config/profile.h"
#include "fleet/fleet.h"
#include "queue/queue.h"
#include "store/object_store.h"
#include "table/tables.h"

namespace facefleet::apps {

struct CloudParts {
  std::unique_ptr<aws::Session> session;
  std::unique_ptr<aws::Client> sqs_client, s3_client, ec2_client;
  std::unique_ptr<queue::Queues> queues;
  std::unique_ptr<store::ObjectStore> store;
  std::unique_ptr<fleet::Fleet> fleet;
  // Only where the profile keeps outcomes in a table (keep_outcomes_in_table).
  std::unique_ptr<aws::Client> dynamodb_client;
  std::unique_ptr<table::Tables> tables;
  std::unique_ptr<store::ObjectStore> objects;  // which `store` then stands before
};

// Makes `parts.store` keep what is reused as items of the profile's table, if the profile says so.
Result<void> keep_outcomes_in_table(const Executor& executor, CloudParts& parts, const config::Profile& profile,
                                    const Clock& clock, Random& random, const Log& log);

// The table's name: `<id>-dynamoDB`, as the course of 2026 calls it.
std::string outcome_table(const config::Profile& profile);

// The fleet's cap is the profile's; the local cloud's own fleet enforces it, EC2 knows of none. `tags_system`:
// instances are told from those of other systems by a tag, too. kInvalidInput if a file that the profile names cannot
// be read, or as aws::Session::open().
Result<CloudParts> open_cloud_parts(const Executor& executor, const config::Profile& profile, const Clock& clock,
                                    Random& random, const Log& log, bool tags_system = false);

}  // namespace facefleet::apps
