// The fleets' contract against the service at FACEFLEET_TEST_ENDPOINT. Against our own doors it runs in localcloud.
#include "aws/test_service.h"
#include "fleet/backends/ec2/ec2_fleet.h"
#include "fleet/fleet_contract.h"

namespace facefleet::fleet {
namespace {

class OutsideFleet final : public FleetUnderTest {
 public:
  OutsideFleet() {
    Ec2Options options;
    options.system = random_hex(random_, 16);  // terminated instances of earlier tests are another system's
    options.cap = kContractCap;
    fleet_ = open_ec2_fleet(service_.client(), std::move(options), service_.clock(), random_);
  }
  asio::io_context& context() override { return service_.context(); }
  Fleet& fleet() override { return *fleet_; }

 private:
  aws::OutsideService service_{"ec2"};
  SystemRandom random_;
  std::unique_ptr<Fleet> fleet_;
};

using OpenFleet = std::unique_ptr<FleetUnderTest> (*)();

std::vector<OpenFleet> outside() {
  if (aws::OutsideService::url().empty()) return {};
  return {[]() -> std::unique_ptr<FleetUnderTest> { return std::make_unique<OutsideFleet>(); }};
}

INSTANTIATE_TEST_SUITE_P(Outside, FleetContract, testing::ValuesIn(outside()));

}  // namespace
}  // namespace facefleet::fleet
