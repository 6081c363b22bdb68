// A pool: instances that are made beforehand and stopped, to be started when there is work.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "fleet/fleet.h"

namespace facefleet::fleet {

// Launches what is missing of `size` instances, as many at a time as the cap allows, and stops them once they run: an
// instance has to have run to be stopped. Those it has launched carry the tag `facefleet:pool` = "new" until then, by
// which whoever comes after one that ended midway goes on. One that has found work by then is left to the autoscaler,
// which runs beside this. Thread rule: base/task.h.
// kBusy if the fleet allows no further launch and nothing is on its way that would make room; kTimedOut after
// limits::kPoolFillMs.
Task<Result<void>> fill_pool(Fleet& fleet, std::uint32_t size, const Clock& clock, Log log,
                             Millis look_every = Millis(1'000));

}  // namespace facefleet::fleet
