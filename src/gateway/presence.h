// Several gateways of one system, each with a response queue of its own: a gateway's sign of life, and the end of what
// a dead one left behind.
//
// A gateway that lives rewrites the object `gateways/<its id>` in the private bucket, from before it makes its queue
// `<response queue>-<its id>` until it has removed it. One whose sign is older than Options::dead_after is dead; both
// times are the store's own, so no two machines' clocks are compared. A queue without a sign, as after somebody emptied
// the bucket, is left alone until it has been seen so for as long: a gateway that lives signs again meanwhile. A
// gateway that was taken for dead, having slept, finds its queue gone and goes on with a new one. Ids are never used
// twice, as SQS makes no queue of a name that it deleted less than a minute ago. Thread rule: base/task.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "queue/queue.h"

namespace facefleet::gateway {

struct Service;

// What a gateway knows of itself and of others; all empty where all share one response queue.
struct Presence {
  std::string id;                                     // names this gateway's own response queue
  std::vector<std::shared_ptr<queue::Queue>> others;  // the response queues of other gateways that live
  std::optional<MonoTime> missing_since;              // when its own queue was first said not to exist, again and again
  MonoTime missed_at{};                               // when last
  bool renewing = false;
};

// This gateway's own response queue, after its sign of life. Again: the same one.
Task<Result<std::shared_ptr<queue::Queue>>> open_own_queue(Service& service);

// Gives up `lost`, which does not exist, for a queue under a new id: once that has been said for some seconds, as a
// queue that was just made may not have reached all of SQS's servers, and unless it has happened already.
Task<Result<void>> renew_own_queue(std::shared_ptr<Service> service, std::shared_ptr<queue::Queue> lost);

// Signs until cancelled, whatever else takes long.
Task<> stay_present(std::shared_ptr<Service> service);

// Looks after the others until cancelled: reads their signs, collects what the dead left.
Task<> watch_others(std::shared_ptr<Service> service);

// Removes this gateway's own queue, and its sign.
Task<> leave(Service& service);

}  // namespace facefleet::gateway
