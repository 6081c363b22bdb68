#include "store/local_store_contract.h"

#include "base/clock.h"
#include "base/database.h"
#include "store/backends/durable_store.h"
#include "store/backends/memory_store.h"

namespace facefleet::store {
namespace {

class MemoryPlace final : public StorePlace, public LocalStorePlace {
 public:
  asio::io_context& context() override { return context_; }
  LocalStore& store() override { return *store_; }

 private:
  asio::io_context context_;
  SystemClock clock_;
  std::unique_ptr<LocalStore> store_ = open_memory_store(clock_);
};

class DurablePlace final : public StorePlace, public LocalStorePlace {
 public:
  asio::io_context& context() override { return context_; }
  LocalStore& store() override { return *store_; }

 private:
  TemporaryFolder folder_;
  asio::io_context context_;
  SystemClock clock_;
  std::unique_ptr<Database> database_ = Database::open(context_.get_executor(), folder_.path(), Log::silent()).value();
  std::unique_ptr<LocalStore> store_ =
      open_durable_store(context_.get_executor(), *database_, clock_, Log::silent()).value();
};

INSTANTIATE_TEST_SUITE_P(Local, StoreContract,
                         testing::Values(StoreBackend{"memory", [] { return std::make_unique<MemoryPlace>(); }},
                                         StoreBackend{"durable", [] { return std::make_unique<DurablePlace>(); }}),
                         [](const auto& backend) { return backend.param.name; });

INSTANTIATE_TEST_SUITE_P(Local, LocalStoreContract,
                         testing::Values(LocalStoreBackend{"memory", [] { return std::make_unique<MemoryPlace>(); }},
                                         LocalStoreBackend{"durable", [] { return std::make_unique<DurablePlace>(); }}),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace facefleet::store
