#include "autoscaler/policies/none.h"

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

class None final : public Policy {
 public:
  std::string_view name() const override { return kNone; }
  Decision decide(const Observation& seen) override {
    return {std::min(current_of(seen), seen.cap), "another controller decides"};
  }
};

}  // namespace

std::unique_ptr<Policy> make_none(const PolicyOptions& /*options*/) { return std::make_unique<None>(); }

}  // namespace facefleet::autoscaler
