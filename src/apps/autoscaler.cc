// facefleet autoscaler: watches the request queue, sizes the fleet.
#include "autoscaler/autoscaler.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json.hpp>

#include "apps/alone.h"
#include "apps/cloud_parts.h"
#include "apps/command.h"
#include "apps/place.h"
#include "apps/policy_of.h"
#include "apps/resources.h"
#include "apps/role.h"
#include "fleet/pool.h"
#include "jobs/job.h"

namespace facefleet::apps {
namespace {

constexpr Millis kTellEvery{5'000};  // an unchanged decision is told again so often, so that a reader sees it is alive

// Tells page and `facefleet status` what was decided and why, as an object beside the jobs.
class Teller {
 public:
  Teller(Role& role, store::ObjectStore& store, std::string bucket, std::string policy, bool shadow)
      : role_(role), store_(store), bucket_(std::move(bucket)), policy_(std::move(policy)), shadow_(shadow) {}

  void hear(const autoscaler::Observation& seen, const autoscaler::Decision& decision) {
    ++decisions_;
    if (decision.target != decided_) ++changes_;
    decided_ = decision.target;
    const bool told_lately = role_.clock.now() - told_at_ < kTellEvery;
    if (telling_ ||
        (told_lately && decision.target == target_ && decision.reason == reason_ && seen.trouble == trouble_))
      return;
    target_ = decision.target;
    reason_ = decision.reason;
    trouble_ = seen.trouble;
    told_at_ = role_.clock.now();
    telling_ = true;
    asio::co_spawn(role_.context, tell(boost::json::serialize(text_of(seen, decision))), asio::detached);
  }

 private:
  boost::json::object text_of(const autoscaler::Observation& seen, const autoscaler::Decision& decision) const {
    return {{"policy", policy_},
            {"shadow", shadow_},
            {"target", decision.target},
            {"reason", decision.reason},
            {"trouble", seen.trouble},
            {"decisions", decisions_},
            {"changes", changes_},
            {"visible", seen.visible},
            {"in_flight", seen.in_flight},
            {"delayed", seen.delayed},
            {"arrived", seen.arrived},
            {"completed", seen.completed},
            {"service_ms", seen.service.count()},
            {"start_ms", seen.start.count()},
            {"pending", seen.pending},
            {"running", seen.running},
            {"busy", seen.busy},
            {"idle", seen.idle_for.size()},
            {"leaving", seen.leaving},
            {"stopped", seen.stopped},
            {"cap", seen.cap},
            {"at_ms", role_.clock.wall_ms()}};
  }

  Task<> tell(std::string text) {
    store::Put json{.content_type = "application/json", .metadata = {}, .if_absent = false, .if_etag = {}};
    auto told = co_await store_.put(bucket_, std::string(jobs::kAutoscalerStatusKey), std::move(text), std::move(json));
    if (!told) role_.log.debug("cannot tell the decision", {{"why", told.error().message}});
    telling_ = false;
  }

  Role& role_;
  store::ObjectStore& store_;
  const std::string bucket_, policy_;
  const bool shadow_;
  std::uint64_t decisions_ = 0, changes_ = 0;  // since this autoscaler began
  std::uint32_t decided_ = 0;
  std::uint32_t target_ = 0;  // as last told
  std::string reason_, trouble_;
  MonoTime told_at_{};
  bool telling_ = false;
};

Task<> see_to_the_pool(Role& role, fleet::Fleet& fleet) {
  const auto filled = co_await fleet::fill_pool(fleet, fleet.cap(), role.clock, role.log);
  if (!filled)
    role.log.warn("the pool lacks instances; the next start of this autoscaler tries again",
                  {{"why", filled.error().message}});
}

// What `up` sees to where the roles are its own. Work does not wait until the pool is full.
Task<Result<void>> make_system(Role& role, const CloudParts& parts, const Place& place, bool shadow) {
  const bool leaving = false;  // whoever ends this role ends it at once
  const Resources resources{*parts.queues, *parts.store, nullptr, role.log};
  auto made = co_await make_resources_patiently(resources, place.profile, leaving);
  if (made && place.profile.fleet_pool && !shadow)
    asio::co_spawn(role.context, see_to_the_pool(role, *parts.fleet), asio::detached);
  co_return made;
}

Task<Result<void>> scale(Role& role, autoscaler::Options options, const CloudParts& parts, const Place& place,
                         autoscaler::Policy& policy, Teller& teller) {
  if (place.alone) {
    auto made = co_await make_system(role, parts, place, options.shadow);
    if (!made) co_return made;
  }
  co_await autoscaler::run(std::move(options), *parts.queues, *parts.fleet, policy, role.clock, role.log,
                           [&](const auto& seen, const auto& decision) { teller.hear(seen, decision); });
  co_return Result<void>();
}

int serve(const RoleFlags& flags, bool shadow) {
  Role role("autoscaler");
  const auto place = settle_place_with_cap(flags);
  if (!place) return refuse(place.error());
  const config::Profile& profile = place->profile;
  const jobs::Names names = names_of(profile);
  auto policy = policy_of(profile, profile.autoscaler_policy);
  if (!policy) return refuse(policy.error());
  auto parts = open_cloud_parts(role.context.get_executor(), profile, role.clock, role.random, role.log, place->alone);
  if (!parts) return refuse(parts.error());
  Teller teller(role, *parts->store, names.job_bucket, profile.autoscaler_policy, shadow);
  autoscaler::Options options;
  options.request_queue = names.request_queue;
  if (autoscaler::reads_responses(profile.autoscaler_policy)) options.response_queue = names.response_queue;
  options.response_queues = profile.gateway_own_response_queue;
  options.tick = config::millis(profile.autoscaler_tick_s);
  options.shadow = shadow;
  options.pool = profile.fleet_pool;
  options.running_floor = static_cast<std::uint32_t>(profile.fleet_running_floor);
  // Nothing needs an orderly end: all that the loop knows, it looks up again when it starts.
  return run_role(role, scale(role, std::move(options), *parts, *place, **policy, teller),
                  [&] { role.context.stop(); });
}

}  // namespace

Command add_autoscaler(CLI::App& root) {
  struct Flags {
    RoleFlags role;
    bool shadow = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("autoscaler", "run the autoscaler alone (`up` starts it for you)");
  add_role_flags(*app, flags->role);
  app->add_flag("--shadow", flags->shadow, "decide and log, but do not act");
  return {app, [flags] { return serve(flags->role, flags->shadow); }};
}

}  // namespace facefleet::apps
