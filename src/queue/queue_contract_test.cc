#include "queue/queue_contract.h"

#include <filesystem>

#include "base/database.h"
#include "queue/backends/durable_queue.h"
#include "queue/backends/memory_queue.h"

namespace facefleet::queue {
namespace {

// `Time` is the clock that the queues go by.
template <class Time>
class LocalPlace : public QueuePlace {
 public:
  asio::io_context& context() override { return context_; }
  Queues& queues() override { return *queues_; }
  ManualClock* clock() override {
    if constexpr (std::is_same_v<Time, ManualClock>) return &clock_;
    return nullptr;
  }

 protected:
  asio::io_context context_;
  Time clock_;
  SystemRandom random_;
  std::unique_ptr<Queues> queues_;
};

template <class Time>
class MemoryPlace final : public LocalPlace<Time> {
 public:
  MemoryPlace() {
    this->queues_ = open_memory_queues(this->context_.get_executor(), this->clock_, this->random_, Log::silent());
  }
};

template <class Time>
class DurablePlace final : public LocalPlace<Time> {
 public:
  DurablePlace() {
    database_ = Database::open(this->context_.get_executor(), folder_.path(), Log::silent()).value();
    this->queues_ =
        open_durable_queues(this->context_.get_executor(), *database_, this->clock_, this->random_, Log::silent())
            .value();
  }
  ~DurablePlace() override { this->queues_.reset(); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Database> database_;
};

template <class Place>
std::unique_ptr<QueuePlace> open_place() {
  return std::make_unique<Place>();
}

const auto kName = [](const auto& backend) { return backend.param.name; };

INSTANTIATE_TEST_SUITE_P(Local, QueueContract,
                         testing::Values(QueueBackend{"memory", open_place<MemoryPlace<SystemClock>>},
                                         QueueBackend{"durable", open_place<DurablePlace<SystemClock>>}),
                         kName);
INSTANTIATE_TEST_SUITE_P(Local, QueueTimeContract,
                         testing::Values(QueueBackend{"memory", open_place<MemoryPlace<ManualClock>>},
                                         QueueBackend{"durable", open_place<DurablePlace<ManualClock>>}),
                         kName);

}  // namespace
}  // namespace facefleet::queue
