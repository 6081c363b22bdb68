#include "apps/policy_of.h"

namespace facefleet::apps {
namespace {

Millis millis(double seconds) { return Millis(static_cast<std::int64_t>(seconds * 1'000)); }

}  // namespace

Result<std::unique_ptr<autoscaler::Policy>> policy_of(const config::Profile& profile, const std::string& name) {
  return autoscaler::make_policy(name, {.jobs_per_worker = profile.autoscaler_jobs_per_worker,
                                        .idle_hold = millis(profile.autoscaler_idle_hold_s),
                                        .wait = millis(profile.autoscaler_wait_s),
                                        .keep = millis(profile.autoscaler_idle_hold_s),
                                        .tick = millis(profile.autoscaler_tick_s)});
}

}  // namespace facefleet::apps
