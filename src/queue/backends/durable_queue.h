// Queues whose messages survive a crash: the engine of the memory backend, plus a record of each
// message in SQLite, written and fsynced before a send or a removal is acknowledged.
//
// Leases and consumers are not recorded: after a restart every message that was in flight is visible
// at once, and its earlier receipt still removes it as long as nobody has received it since.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/database.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "queue/queue.h"

namespace facefleet::queue {

// Loads what `database` holds, on the calling thread (100,000 messages ≤ 1 s). A record that fails its
// checksum is logged as `queue.record_corrupt` and left out; the others are served. At most one set
// of queues on a database. `database`, `clock` and `random` must outlive the queues.
Result<std::unique_ptr<Queues>> open_durable_queues(const Executor& executor, Database& database, const Clock& clock,
                                                    Random& random, Log log);

}  // namespace facefleet::queue
