// Queues that live and die with the process.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/task.h"
#include "queue/queue.h"

namespace facefleet::queue {

// `clock` and `random` must outlive the queues; `executor` is the I/O thread's.
std::unique_ptr<Queues> open_memory_queues(const Executor& executor, const Clock& clock, Random& random, Log log);

}  // namespace facefleet::queue
