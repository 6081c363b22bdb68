// The queues' contract against the service at FACEFLEET_TEST_ENDPOINT. Against our own doors it runs in localcloud.
#include "aws/test_service.h"
#include "queue/backends/sqs/sqs_queue.h"
#include "queue/queue_contract.h"

namespace facefleet::queue {
namespace {

class OutsidePlace final : public QueuePlace {
 public:
  OutsidePlace() {
    for (const std::string& name : run_task(context(), queues_->list("")).value())
      run_task(context(), queues_->remove(name)).value();
  }
  asio::io_context& context() override { return service_.context(); }
  Queues& queues() override { return *queues_; }

 private:
  aws::OutsideService service_{"sqs"};
  std::unique_ptr<Queues> queues_ = open_sqs_queues(service_.client());
};

std::vector<QueueBackend> outside() {
  if (aws::OutsideService::url().empty()) return {};
  return {{"sqs", [] { return std::make_unique<OutsidePlace>(); }}};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(QueueContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(QueueTimeContract);  // for queues inside this process
INSTANTIATE_TEST_SUITE_P(Outside, QueueContract, testing::ValuesIn(outside()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace facefleet::queue
