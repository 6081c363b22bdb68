#include "autoscaler/autoscaler.h"

#include <algorithm>
#include <map>
#include <ranges>

namespace facefleet::autoscaler {
namespace {

// EC2 lists a change some seconds after it acknowledged it; until then our own word for it counts.
constexpr Millis kBelief{10'000};
constexpr Millis kRetryFirst{200};
constexpr Millis kRetryLast{5'000};
// While there is neither work nor worker, the fleet is listed this often, in case somebody else launches one.
constexpr Millis kListWhenQuiet{1'000};

using Beliefs = std::map<std::string, MonoTime, std::less<>>;  // instance id -> until when we believe it

class Autoscaler {
 public:
  Autoscaler(Options options, queue::Queues& queues, fleet::Fleet& fleet, Policy& policy, const Clock& clock, Log log)
      : options_(std::move(options)),
        queues_(queues),
        fleet_(fleet),
        policy_(policy),
        clock_(clock),
        log_(std::move(log)),
        shrink_from_(clock.now() + options_.restart_hold) {}

  Task<Observation> observe();
  Decision decide(const Observation& seen);
  Task<> act(Observation seen, Decision decision);

 private:
  Task<Result<queue::Counts>> counts();
  Task<Result<void>> refresh_instances(bool quiet);
  void count_workers(Observation& seen);
  void note_failure(const Error& error);
  Task<> launch(std::uint32_t count);
  Task<> dismiss(std::vector<std::string> ids);

  const Options options_;
  queue::Queues& queues_;
  fleet::Fleet& fleet_;
  Policy& policy_;
  const Clock& clock_;
  const Log log_;
  const MonoTime shrink_from_;

  std::shared_ptr<queue::Queue> queue_;
  std::vector<fleet::Instance> instances_;  // as last listed, without those that are gone
  MonoTime listed_at_{};
  std::vector<std::string> idle_ids_;  // longest idle first, in step with Observation::idle_for
  Beliefs launched_;                   // acknowledged, not listed yet
  Beliefs dismissed_;                  // told to leave, perhaps still listed as running
  MonoTime launch_from_{};             // after a refused launch, the next try
  Millis retry_{kRetryFirst};
  std::string last_failure_;
  std::optional<std::uint32_t> last_target_;
};

Task<Result<queue::Counts>> Autoscaler::counts() {
  if (!queue_) {
    auto opened = co_await queues_.open(options_.request_queue);
    if (!opened) co_return opened.error();
    queue_ = *opened;
  }
  Result<queue::Counts> seen = co_await queue_->counts();
  if (!seen && seen.error().code == Code::kNotFound) queue_.reset();
  co_return seen;
}

Task<Result<void>> Autoscaler::refresh_instances(bool quiet) {
  const bool recent = listed_at_ != MonoTime{} && clock_.now() - listed_at_ < kListWhenQuiet;
  if (quiet && recent && instances_.empty() && launched_.empty()) co_return Result<void>();
  auto listed = co_await fleet_.list();
  if (!listed) co_return listed.error();
  instances_ = std::move(*listed);
  listed_at_ = clock_.now();
  for (const fleet::Instance& instance : instances_) launched_.erase(instance.id);
  std::erase_if(instances_, [](const fleet::Instance& instance) {
    return instance.state == fleet::InstanceState::kTerminated || instance.state == fleet::InstanceState::kStopped;
  });
  co_return Result<void>();
}

Task<Observation> Autoscaler::observe() {
  Observation seen;
  seen.cap = fleet_.cap();
  const auto queued = co_await counts();
  if (queued) {
    seen.visible = queued->visible;
    seen.in_flight = queued->in_flight;
    seen.delayed = queued->delayed;
    seen.oldest_age = queued->oldest_age;
  }
  const auto listed = co_await refresh_instances(queued && seen.visible + seen.in_flight == 0);
  seen.valid = queued.has_value() && listed.has_value();
  if (!queued) note_failure(queued.error());
  if (!listed) note_failure(listed.error());
  if (seen.valid) last_failure_.clear();
  seen.now = clock_.now();
  count_workers(seen);
  co_return seen;
}

void Autoscaler::count_workers(Observation& seen) {
  const auto outdated = [&](const auto& belief) { return seen.now >= belief.second; };
  std::erase_if(launched_, outdated);
  std::erase_if(dismissed_, outdated);
  seen.pending = static_cast<std::uint32_t>(launched_.size());

  const std::int64_t wall_ms = clock_.wall_ms();
  std::vector<std::pair<Millis, std::string>> idle;
  for (const fleet::Instance& instance : instances_) {
    const bool there =
        instance.state == fleet::InstanceState::kPending || instance.state == fleet::InstanceState::kRunning;
    if (!there || instance.worker == fleet::WorkerState::kDraining || dismissed_.contains(instance.id)) {
      ++seen.leaving;
    } else if (instance.state == fleet::InstanceState::kPending) {
      ++seen.pending;
    } else {
      ++seen.running;
      if (instance.worker == fleet::WorkerState::kIdle)
        idle.emplace_back(std::max<std::int64_t>(0, wall_ms - instance.worker_since_ms), instance.id);
    }
  }
  std::ranges::sort(idle, std::greater<>());
  idle_ids_.clear();
  for (auto& [since, id] : idle) {
    seen.idle_for.push_back(since);
    idle_ids_.push_back(std::move(id));
  }
}

// One line when it begins, not one a tick.
void Autoscaler::note_failure(const Error& error) {
  if (error.message == last_failure_) return;
  last_failure_ = error.message;
  log_.warn("autoscaler_cannot_observe", {{"code", to_string(error.code)}, {"error", error.message}});
}

Decision Autoscaler::decide(const Observation& seen) {
  Decision decision = policy_.decide(seen);
  if (last_target_ != decision.target) {
    log_.info("autoscaler_decides", {{"target", decision.target},
                                     {"reason", decision.reason},
                                     {"visible", seen.visible},
                                     {"in_flight", seen.in_flight},
                                     {"pending", seen.pending},
                                     {"running", seen.running},
                                     {"idle", seen.idle_for.size()},
                                     {"leaving", seen.leaving}});
    last_target_ = decision.target;
  }
  return decision;
}

Task<> Autoscaler::act(Observation seen, Decision decision) {
  if (!seen.valid || options_.shadow) co_return;
  const std::uint32_t current = seen.pending + seen.running;
  if (decision.target > current && seen.now >= launch_from_) co_await launch(decision.target - current);
  if (decision.target < current && seen.now >= shrink_from_) {
    const std::size_t count = std::min<std::size_t>(current - decision.target, idle_ids_.size());
    std::vector<std::string> ids(idle_ids_.begin(), idle_ids_.begin() + static_cast<std::ptrdiff_t>(count));
    if (!ids.empty()) co_await dismiss(std::move(ids));
  }
}

Task<> Autoscaler::launch(std::uint32_t count) {
  const auto instances = co_await fleet_.launch(count);
  if (!instances) {
    log_.warn("autoscaler_cannot_launch",
              {{"count", count}, {"error", instances.error().message}, {"retry_ms", retry_.count()}});
    launch_from_ = clock_.now() + retry_;
    retry_ = std::min(retry_ * 2, kRetryLast);
    co_return;
  }
  retry_ = kRetryFirst;
  for (const fleet::Instance& instance : *instances) launched_.emplace(instance.id, clock_.now() + kBelief);
}

Task<> Autoscaler::dismiss(std::vector<std::string> ids) {
  const MonoTime until = clock_.now() + kBelief;
  const auto told = co_await fleet_.terminate(ids);
  if (!told) {
    log_.warn("autoscaler_cannot_terminate", {{"count", ids.size()}, {"error", told.error().message}});
    co_return;
  }
  for (std::string& id : ids) dismissed_.emplace(std::move(id), until);
}

}  // namespace

Task<> run(Options options, queue::Queues& queues, fleet::Fleet& fleet, Policy& policy, const Clock& clock, Log log,
           std::function<void(const Observation&, const Decision&)> on_decision) {
  const Millis tick = options.tick;
  Autoscaler autoscaler(std::move(options), queues, fleet, policy, clock, std::move(log));
  for (;;) {
    const MonoTime next = clock.now() + tick;
    const Observation seen = co_await autoscaler.observe();
    const Decision decision = autoscaler.decide(seen);
    if (on_decision) on_decision(seen, decision);
    co_await autoscaler.act(seen, decision);
    co_await sleep_for(std::max(next - clock.now(), MonoTime::duration{0}));
  }
}

}  // namespace facefleet::autoscaler
