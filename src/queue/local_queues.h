// Queues inside this process: the engine of each, its waiting receivers, and a journal that makes
// durable what must be. The memory and the durable backend differ in the journal alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "queue/engine.h"
#include "queue/queue.h"

namespace facefleet::queue {

// A queue as the journal knows it.
struct QueueRecord {
  std::uint64_t number = 0;  // random; what receipts carry. A queue made anew under a name has another.
  std::string name;
  Attributes attributes;
};

struct StoredMessage {
  RecordPtr record;
  Receives receives;
};

struct StoredQueue {
  QueueRecord record;
  std::vector<StoredMessage> messages;
};

// What a place's queues remember beyond the process. Writes take effect in the order of the calls; a
// Task returns once its write would survive a crash. Thread rule: base/task.h.
class Journal {
 public:
  virtual ~Journal() = default;

  virtual Task<Result<void>> put_queue(QueueRecord queue) = 0;  // a new one, or its new attributes
  virtual Task<Result<void>> drop_queue(std::uint64_t queue) = 0;
  virtual Task<Result<void>> add(std::uint64_t queue, std::vector<RecordPtr> records) = 0;
  virtual Task<Result<void>> remove(std::vector<Sequence> messages) = 0;
  virtual Task<Result<void>> purge(std::uint64_t queue, Sequence through) = 0;
  // Into another queue, as a message that was never delivered. kNotFound if that queue is gone.
  virtual Task<Result<void>> move(RecordPtr record, std::uint64_t to) = 0;

  // Written soon, without anyone waiting: losing these in a crash does no harm.
  virtual void note_receives(std::vector<Receives> receives) = 0;
  virtual void note_expired(std::vector<Sequence> messages) = 0;
};

// `run` is greater than that of every earlier process on the same journal, and at least 1.
std::unique_ptr<Queues> open_local_queues(const Executor& executor, const Clock& clock, Random& random, Log log,
                                          std::unique_ptr<Journal> journal, std::uint32_t run,
                                          std::vector<StoredQueue> stored);

}  // namespace facefleet::queue
