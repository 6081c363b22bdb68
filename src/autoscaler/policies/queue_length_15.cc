#include "autoscaler/policies/queue_length_15.h"

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

class QueueLength15 final : public Policy {
 public:
  explicit QueueLength15(const PolicyOptions& options)
      : idle_hold_(seconds(tuned(options, "idle_hold_s", static_cast<double>(options.idle_hold.count()) / 1'000))) {}

  std::string_view name() const override { return kQueueLength15; }

  Decision decide(const Observation& seen) override {
    if (!seen.valid) return hold(seen);
    const std::uint32_t current = current_of(seen);
    const std::uint32_t needed = capped(static_cast<double>(seen.visible), seen.cap);
    const std::uint32_t kept = current - std::min(current, rested(seen, idle_hold_));
    return {std::min(std::max(needed, kept), seen.cap), std::to_string(seen.visible) + " wait, " +
                                                            std::to_string(current - kept) + " of " +
                                                            std::to_string(current) + " workers rest"};
  }

 private:
  const Millis idle_hold_;
};

}  // namespace

std::unique_ptr<Policy> make_queue_length_15(const PolicyOptions& options) {
  return std::make_unique<QueueLength15>(options);
}

std::vector<Tuning> queue_length_15_grid() { return combine({{"idle_hold_s", {0, 0.5, 1, 2, 5, 10, 20, 60, 120}}}); }

}  // namespace facefleet::autoscaler
