#include "autoscaler/policies/min_depth_20.h"

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

class MinDepth20 final : public Policy {
 public:
  std::string_view name() const override { return kMinDepth20; }

  Decision decide(const Observation& seen) override {
    if (!seen.valid) return hold(seen);
    return {capped(static_cast<double>(seen.visible), seen.cap), "depth " + std::to_string(seen.visible)};
  }
};

}  // namespace

std::unique_ptr<Policy> make_min_depth_20(const PolicyOptions& /*options*/) { return std::make_unique<MinDepth20>(); }

}  // namespace facefleet::autoscaler
