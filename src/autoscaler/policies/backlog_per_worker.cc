#include "autoscaler/policies/backlog_per_worker.h"

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

class BacklogPerWorker final : public Policy {
 public:
  explicit BacklogPerWorker(const PolicyOptions& options)
      : jobs_per_worker_(tuned(options, "jobs_per_worker", options.jobs_per_worker)),
        idle_hold_(seconds(tuned(options, "idle_hold_s", static_cast<double>(options.idle_hold.count()) / 1'000))) {}

  std::string_view name() const override { return kBacklogPerWorker; }

  Decision decide(const Observation& seen) override {
    if (!seen.valid) return hold(seen);

    // Jobs in flight count: a fleet that only saw the waiting ones would shrink while it works.
    const std::uint32_t current = current_of(seen);
    const std::uint64_t jobs = seen.visible + seen.in_flight;
    const std::uint32_t needed = capped(static_cast<double>(jobs) / jobs_per_worker_, seen.cap);
    if (needed >= current) return {needed, std::to_string(jobs) + " jobs"};

    const std::uint32_t kept = current - std::min(current, rested(seen, idle_hold_));
    if (kept > needed)
      return {std::min(kept, seen.cap), std::to_string(jobs) + " jobs; the others are not idle long enough"};
    return {needed, std::to_string(jobs) + " jobs; idle workers leave"};
  }

 private:
  const double jobs_per_worker_;
  const Millis idle_hold_;
};

}  // namespace

std::unique_ptr<Policy> make_backlog_per_worker(const PolicyOptions& options) {
  return std::make_unique<BacklogPerWorker>(options);
}

std::vector<Tuning> backlog_per_worker_grid() {
  return combine({{"jobs_per_worker", {1, 2, 5, 20, 50}}, {"idle_hold_s", {5, 0, 0.5, 2, 20, 60, 120}}});
}

}  // namespace facefleet::autoscaler
