// The loop around a policy: observe the queue and the fleet, decide, act on the fleet. Owns no state that a restart
// would miss. Thread rule: base/task.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "autoscaler/policy.h"
#include "base/log.h"
#include "base/task.h"
#include "fleet/fleet.h"
#include "queue/queue.h"

namespace facefleet::autoscaler {

struct Options {
  std::string request_queue;
  Millis tick{100};
  Millis restart_hold{5'000};  // after a start, the fleet is not shrunk for so long
  bool shadow = false;         // decide and log, do not act
};

// Observes, decides and acts every tick until cancelled. `on_decision` hears each decision (for status and metrics).
Task<> run(Options options, queue::Queues& queues, fleet::Fleet& fleet, Policy& policy, const Clock& clock, Log log,
           std::function<void(const Observation&, const Decision&)> on_decision);

}  // namespace facefleet::autoscaler
