#include "apps/policy_of.h"

namespace facefleet::apps {

Result<std::unique_ptr<autoscaler::Policy>> policy_of(const config::Profile& profile, const std::string& name) {
  return autoscaler::make_policy(name, {.jobs_per_worker = profile.autoscaler_jobs_per_worker,
                                        .idle_hold = config::millis(profile.autoscaler_idle_hold_s),
                                        .wait = config::millis(profile.autoscaler_wait_s),
                                        .keep = config::millis(profile.autoscaler_idle_hold_s),
                                        .tick = config::millis(profile.autoscaler_tick_s)});
}

}  // namespace facefleet::apps
