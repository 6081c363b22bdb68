#include "autoscaler/policies/spawn_self_terminate.h"

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

class SpawnSelfTerminate final : public Policy {
 public:
  std::string_view name() const override { return kSpawnSelfTerminate; }

  Decision decide(const Observation& seen) override {
    if (!seen.valid) return hold(seen);
    const std::uint32_t current = current_of(seen);
    const std::uint32_t needed = capped(static_cast<double>(seen.visible), seen.cap);
    const std::string reason = std::to_string(needed) + " needed, " + std::to_string(current) + " there";
    return {std::min(std::max(needed, current), seen.cap), reason};
  }
};

}  // namespace

std::unique_ptr<Policy> make_spawn_self_terminate(const PolicyOptions& /*options*/) {
  return std::make_unique<SpawnSelfTerminate>();
}

}  // namespace facefleet::autoscaler
