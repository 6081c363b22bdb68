#include "autoscaler/policies/difference.h"

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

class Difference final : public Policy {
 public:
  explicit Difference(const PolicyOptions& options) : left_alone_(seconds(tuned(options, "left_alone_s", 30))) {}

  std::string_view name() const override { return kDifference; }

  Decision decide(const Observation& seen) override {
    if (!seen.valid) return hold(seen);
    const auto overdue = static_cast<std::uint32_t>(
        std::ranges::count_if(seen.coming_for, [this](Millis since) { return since >= left_alone_; }));
    const std::uint32_t current = current_of(seen);
    const std::uint32_t counted = current - std::min(overdue, seen.pending);
    const std::uint64_t jobs = seen.visible + seen.in_flight;
    const std::string reason = std::to_string(jobs) + " jobs and " + std::to_string(counted) + " running: ";
    if (jobs > counted) {
      const std::uint32_t room = seen.cap - std::min(counted, seen.cap);
      const auto more = static_cast<std::uint32_t>(std::min<std::uint64_t>(jobs - counted, room));
      return {std::min(current + more, seen.cap), reason + std::to_string(more) + " more"};
    }
    const auto fewer = std::min(static_cast<std::uint32_t>(counted - jobs), seen.running);
    return {std::min(current - fewer, seen.cap), reason + std::to_string(fewer) + " fewer"};
  }

 private:
  const Millis left_alone_;
};

}  // namespace

std::unique_ptr<Policy> make_difference(const PolicyOptions& options) { return std::make_unique<Difference>(options); }

std::vector<Tuning> difference_grid() { return combine({{"left_alone_s", {30, 60, 120}}}); }

}  // namespace facefleet::autoscaler
