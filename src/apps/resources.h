// The queues, buckets and table of one system: made by whoever of its processes comes first, on the local cloud's
// engine as through the AWS doors or on AWS itself.
#pragma once

#include "apps/role.h"
#include "base/log.h"
#include "base/task.h"
#include "config/profile.h"
#include "queue/queue.h"
#include "store/object_store.h"
#include "table/tables.h"

namespace facefleet::apps {

struct Resources {
  queue::Queues& queues;
  store::ObjectStore& store;
  table::Tables* tables;  // null unless the profile keeps outcomes in a table
  Log log;
  bool settles = true;  // a request queue that another profile made otherwise takes this one's attributes
};

// Makes what is missing; what is there stays as it is. An error says which of them it is about.
Task<Result<void>> make_resources(Resources resources, const config::Profile& profile);

// The same, tried again for as long as the services are away, busy, or behind with what they were told (SQS makes no
// queue anew within 60 s of its deletion). Returns at once when `leaving` becomes true.
Task<Result<void>> make_resources_patiently(Resources resources, const config::Profile& profile, const bool& leaving);

}  // namespace facefleet::apps
