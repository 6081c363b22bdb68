#include "autoscaler/policies/backlog_per_worker.h"

#include <algorithm>
#include <cmath>

namespace facefleet::autoscaler {
namespace {

class BacklogPerWorker final : public Policy {
 public:
  explicit BacklogPerWorker(const PolicyOptions& options) : options_(options) {}

  std::string_view name() const override { return kBacklogPerWorker; }

  Decision decide(const Observation& seen) override {
    const std::uint32_t current = seen.pending + seen.running;
    if (!seen.valid) return {std::min(current, seen.cap), "hold: the queue or the fleet cannot be read"};

    // Jobs in flight count: a fleet that only saw the waiting ones would shrink while it works.
    const std::uint64_t jobs = seen.visible + seen.in_flight;
    const double wanted = std::ceil(static_cast<double>(jobs) / options_.jobs_per_worker);
    const auto needed = static_cast<std::uint32_t>(std::min(wanted, static_cast<double>(seen.cap)));
    if (needed >= current) return {needed, std::to_string(jobs) + " jobs"};

    const auto rested = static_cast<std::uint32_t>(
        std::ranges::count_if(seen.idle_for, [this](Millis idle) { return idle >= options_.idle_hold; }));
    const std::uint32_t kept = current - std::min(current, rested);
    if (kept > needed)
      return {std::min(kept, seen.cap), std::to_string(jobs) + " jobs; the others are not idle long enough"};
    return {needed, std::to_string(jobs) + " jobs; idle workers leave"};
  }

 private:
  const PolicyOptions options_;
};

}  // namespace

std::unique_ptr<Policy> make_backlog_per_worker(const PolicyOptions& options) {
  return std::make_unique<BacklogPerWorker>(options);
}

}  // namespace facefleet::autoscaler
