#include "queue/backends/memory_queue.h"

#include "queue/local_queues.h"

namespace facefleet::queue {
namespace {

// Remembers nothing: the process is the place.
class NoJournal final : public Journal {
 public:
  Task<Result<void>> put_queue(QueueRecord) override { co_return Result<void>(); }
  Task<Result<void>> drop_queue(std::uint64_t) override { co_return Result<void>(); }
  Task<Result<void>> add(std::uint64_t, std::vector<RecordPtr>) override { co_return Result<void>(); }
  Task<Result<void>> remove(std::vector<Sequence>) override { co_return Result<void>(); }
  Task<Result<void>> purge(std::uint64_t, Sequence) override { co_return Result<void>(); }
  Task<Result<void>> move(RecordPtr, std::uint64_t) override { co_return Result<void>(); }
  void note_receives(std::vector<Receives>) override {}
  void note_expired(std::vector<Sequence>) override {}
};

}  // namespace

std::unique_ptr<Queues> open_memory_queues(const Executor& executor, const Clock& clock, Random& random, Log log) {
  return open_local_queues(executor, clock, random, std::move(log), std::make_unique<NoJournal>(), 1, {});
}

}  // namespace facefleet::queue
