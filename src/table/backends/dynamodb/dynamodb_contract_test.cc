// The contract against whatever listens at FACEFLEET_TEST_ENDPOINT (tests/aws/moto_contract_test.py).
#include "aws/test_service.h"
#include "table/backends/dynamodb/dynamodb_tables.h"
#include "table/tables_contract.h"

namespace facefleet::table {
namespace {

class OutsidePlace final : public TablesPlace {
 public:
  OutsidePlace() {
    for (const std::string& name : run_task(context(), tables_->list()).value())
      EXPECT_TRUE(run_task(context(), tables_->remove(name)));
  }
  asio::io_context& context() override { return service_.context(); }
  Tables& tables() override { return *tables_; }

 private:
  aws::OutsideService service_{"dynamodb"};
  std::unique_ptr<Tables> tables_ = open_dynamodb_tables(service_.client());
};

std::vector<TablesBackend> outside() {
  if (aws::OutsideService::url().empty()) return {};
  return {{"dynamodb", [] { return std::make_unique<OutsidePlace>(); }}};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TablesContract);
INSTANTIATE_TEST_SUITE_P(Outside, TablesContract, testing::ValuesIn(outside()));

}  // namespace
}  // namespace facefleet::table
