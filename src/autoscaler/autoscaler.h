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
  std::string response_queue;    // read where the policy wants it; empty: not read
  bool response_queues = false;  // several gateways: also read those named so, a dash and more
  Millis tick{100};
  Millis restart_hold{5'000};       // after a start, the fleet is not shrunk for so long
  Millis foreign_hold{30'000};      // an instance that another caller launched or started is left alone for so long
  bool shadow = false;              // decide and log, do not act
  bool pool = false;                // stopped instances are started and running ones stopped: none is launched or ended
  std::uint32_t running_floor = 0;  // so many workers are kept whatever the policy wants
};

// Observes, decides and acts every tick until cancelled. `on_decision` hears each decision (for status and metrics).
Task<> run(Options options, queue::Queues& queues, fleet::Fleet& fleet, Policy& policy, const Clock& clock, Log log,
           std::function<void(const Observation&, const Decision&)> on_decision);

}  // namespace facefleet::autoscaler
