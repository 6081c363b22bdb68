// The stores' contract against the service at FACEFLEET_TEST_ENDPOINT. Against our own doors it runs in localcloud.
#include "aws/test_service.h"
#include "store/backends/s3/s3_store.h"
#include "store/store_contract.h"

namespace facefleet::store {
namespace {

class OutsidePlace final : public StorePlace {
 public:
  OutsidePlace() {
    for (const Bucket& bucket : run_task(context(), store_->list_buckets()).value()) {
      std::vector<std::string> keys;
      for (const ObjectInfo& info : run_task(context(), store_->list(bucket.name, {})).value().objects)
        keys.push_back(info.key);
      run_task(context(), store_->remove(bucket.name, keys)).value();
      run_task(context(), store_->remove_bucket(bucket.name)).value();
    }
  }
  asio::io_context& context() override { return service_.context(); }
  ObjectStore& store() override { return *store_; }

 private:
  aws::OutsideService service_{"s3"};
  std::unique_ptr<ObjectStore> store_ = open_s3_store(service_.client());
};

std::vector<StoreBackend> outside() {
  if (aws::OutsideService::url().empty()) return {};
  return {{"s3", [] { return std::make_unique<OutsidePlace>(); }}};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreContract);
INSTANTIATE_TEST_SUITE_P(Outside, StoreContract, testing::ValuesIn(outside()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace facefleet::store
