#include "autoscaler/autoscaler.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <tuple>

#include "autoscaler/estimates.h"

namespace facefleet::autoscaler {
namespace {

// EC2 lists a change some seconds after it acknowledged it; until then our own word for it counts.
constexpr Millis kBelief{10'000};
constexpr Millis kRetryFirst{200};
constexpr Millis kRetryLast{5'000};
// While there is neither work nor worker, the fleet is listed this often, in case somebody else launches one.
constexpr Millis kListWhenQuiet{1'000};
constexpr Millis kQueuesEvery{5'000};  // which gateways there are is looked up this often

bool is_active(const fleet::Instance& instance) {
  return instance.state == fleet::InstanceState::kPending || instance.state == fleet::InstanceState::kRunning;
}

bool is_ready(const fleet::Instance& instance) {
  return instance.state == fleet::InstanceState::kRunning &&
         (instance.worker == fleet::WorkerState::kIdle || instance.worker == fleet::WorkerState::kBusy);
}

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
  Task<Result<std::uint64_t>> responses();
  Task<Result<void>> find_response_queues();
  Task<Result<void>> refresh_instances(bool quiet);
  void note_foreign();
  void estimate(Observation& seen);
  void count_workers(Observation& seen);
  void count_worker(Observation& seen, const fleet::Instance& instance);
  void note_failure(const Error& error);
  void note_progress();
  Task<> launch(std::uint32_t count);
  Task<> start(std::vector<std::string> ids);
  std::vector<std::string> startable(std::uint32_t count) const;
  void note_refusal(std::string why);
  void note_acknowledged(const std::string& id);
  Task<> dismiss(std::vector<std::string> ids);

  const Options options_;
  queue::Queues& queues_;
  fleet::Fleet& fleet_;
  Policy& policy_;
  const Clock& clock_;
  const Log log_;
  const MonoTime shrink_from_;

  std::shared_ptr<queue::Queue> queue_;
  std::vector<std::shared_ptr<queue::Queue>> response_queues_;
  MonoTime queues_found_at_{};              // never, or no longer true
  std::vector<fleet::Instance> instances_;  // as last listed
  MonoTime listed_at_{};
  Estimates estimates_;
  std::set<std::string, std::less<>> active_;         // pending or running, when last listed
  Beliefs foreign_;                                   // launched or started by another caller -> left alone until then
  std::vector<std::pair<Millis, std::string>> idle_;  // who may leave, longest idle first, as in Observation::idle_for
  Beliefs launched_;                                  // acknowledged, not listed yet
  Beliefs dismissed_;                                 // told to leave, perhaps still listed as running
  std::set<std::string, std::less<>> unproven_;       // launched or started by us, not seen ready yet
  MonoTime launch_from_{};                            // after a launch that was refused or came to nothing, the next
  Millis retry_{kRetryFirst};
  std::string trouble_;  // Observation::trouble
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

Task<Result<std::uint64_t>> Autoscaler::responses() {
  if (options_.response_queue.empty()) co_return std::uint64_t{0};
  auto found = co_await find_response_queues();
  if (!found) co_return found.error();
  std::uint64_t waiting = 0;
  for (const auto& queue : response_queues_) {
    const auto seen = co_await queue->counts();
    if (!seen) queues_found_at_ = {};
    if (!seen && (!options_.response_queues || seen.error().code != Code::kNotFound)) co_return seen.error();
    if (seen) waiting += seen->visible;
  }
  co_return waiting;
}

Task<Result<void>> Autoscaler::find_response_queues() {
  const bool known = queues_found_at_ != MonoTime{};
  if (known && (!options_.response_queues || clock_.now() - queues_found_at_ < kQueuesEvery)) co_return Result<void>();
  std::vector<std::string> names{options_.response_queue};
  if (options_.response_queues) {
    std::string prefix = options_.response_queue + "-";
    const auto others = co_await queues_.list(std::move(prefix));
    if (!others) co_return others.error();
    names.insert(names.end(), others->begin(), others->end());
  }
  response_queues_.clear();
  for (const std::string& name : names) {
    auto opened = co_await queues_.open(name);
    if (!opened && options_.response_queues && opened.error().code == Code::kNotFound) continue;
    if (!opened) co_return opened.error();
    response_queues_.push_back(*opened);
  }
  queues_found_at_ = clock_.now();
  co_return Result<void>();
}

Task<Result<void>> Autoscaler::refresh_instances(bool quiet) {
  const bool recent = listed_at_ != MonoTime{} && clock_.now() - listed_at_ < kListWhenQuiet;
  if (quiet && recent && active_.empty() && launched_.empty()) co_return Result<void>();
  auto listed = co_await fleet_.list();
  if (!listed) co_return listed.error();
  instances_ = std::move(*listed);
  note_progress();
  note_foreign();
  listed_at_ = clock_.now();
  // What is listed as it was before we told it to start or to leave has not heard of it yet.
  for (const fleet::Instance& instance : instances_) {
    const bool gone = instance.state == fleet::InstanceState::kTerminated;
    const bool away = gone || instance.state == fleet::InstanceState::kStopped;
    if (gone || is_active(instance)) launched_.erase(instance.id);
    if (away) dismissed_.erase(instance.id);
  }
  co_return Result<void>();
}

// A worker that ends before it was ever ready would do so again: the next is launched after a pause, as after a
// refusal. One that has become ready shows that launches work.
void Autoscaler::note_progress() {
  for (const fleet::Instance& instance : instances_) {
    const auto unproven = unproven_.find(instance.id);
    if (unproven == unproven_.end()) continue;
    const bool was_there = active_.contains(instance.id);
    if (is_ready(instance)) {
      retry_ = kRetryFirst;
      trouble_.clear();
    } else if (instance.state == fleet::InstanceState::kTerminated ||
               (instance.state == fleet::InstanceState::kStopped && was_there)) {
      note_refusal(instance.name + " ended before it took a job: " + instance.state_reason);
    } else {
      continue;
    }
    unproven_.erase(unproven);
  }
}

// Who appears and was not launched by us was launched by somebody else. Of those that were there when we began to look,
// nobody knows; restart_hold keeps them.
void Autoscaler::note_foreign() {
  const bool first = listed_at_ == MonoTime{};
  std::set<std::string, std::less<>> active;
  for (const fleet::Instance& instance : instances_) {
    if (!is_active(instance)) continue;
    active.insert(instance.id);
    if (!first && !active_.contains(instance.id) && !launched_.contains(instance.id))
      foreign_.insert_or_assign(instance.id, clock_.now() + options_.foreign_hold);
  }
  active_ = std::move(active);
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
  const auto answers = co_await responses();
  if (answers) seen.responses = *answers;
  const auto listed = co_await refresh_instances(queued && seen.visible + seen.in_flight == 0);
  seen.valid = queued.has_value() && answers.has_value() && listed.has_value();
  if (!queued) note_failure(queued.error());
  if (!answers) note_failure(answers.error());
  if (!listed) note_failure(listed.error());
  if (seen.valid) last_failure_.clear();
  seen.now = clock_.now();
  count_workers(seen);
  seen.trouble = trouble_;
  if (seen.valid) estimate(seen);
  seen.arrived = estimates_.arrived();
  seen.completed = estimates_.completed();
  seen.service = estimates_.service();
  seen.start = estimates_.start();
  co_return seen;
}

void Autoscaler::estimate(Observation& seen) {
  std::vector<Estimates::Worker> workers;
  for (const fleet::Instance& instance : instances_) {
    const bool ready = is_ready(instance);
    workers.push_back({.id = instance.id,
                       .pending = instance.state == fleet::InstanceState::kPending,
                       .ready = ready,
                       .busy = ready && instance.worker == fleet::WorkerState::kBusy,
                       .jobs_done = static_cast<std::uint64_t>(std::max<std::int64_t>(0, instance.jobs_done)),
                       .ready_after = Millis(ready ? instance.worker_since_ms - instance.launched_ms : 0)});
  }
  estimates_.look(seen.now, seen.visible + seen.in_flight + seen.delayed, workers);
}

void Autoscaler::count_workers(Observation& seen) {
  const auto outdated = [&](const auto& belief) { return seen.now >= belief.second; };
  std::erase_if(launched_, outdated);
  std::erase_if(dismissed_, outdated);
  std::erase_if(foreign_, outdated);
  for (const auto& [id, until] : launched_) {
    ++seen.pending;
    seen.coming_for.push_back(std::chrono::duration_cast<Millis>(seen.now - (until - kBelief)));
  }
  idle_.clear();
  for (const fleet::Instance& instance : instances_) count_worker(seen, instance);
  std::ranges::sort(seen.coming_for, std::greater<>());
  std::ranges::sort(idle_, std::greater<>());
  for (const auto& [since, id] : idle_) seen.idle_for.push_back(since);
}

void Autoscaler::count_worker(Observation& seen, const fleet::Instance& instance) {
  if (instance.state == fleet::InstanceState::kTerminated || launched_.contains(instance.id)) return;
  if (instance.state == fleet::InstanceState::kStopped) {
    ++seen.stopped;
    return;
  }
  const std::int64_t wall_ms = clock_.wall_ms();
  if (!is_active(instance) || instance.worker == fleet::WorkerState::kDraining || dismissed_.contains(instance.id)) {
    ++seen.leaving;
    return;
  }
  ++(instance.state == fleet::InstanceState::kPending ? seen.pending : seen.running);
  if (!is_ready(instance)) {
    seen.coming_for.emplace_back(std::max<std::int64_t>(0, wall_ms - instance.launched_ms));
  } else if (instance.worker == fleet::WorkerState::kBusy) {
    ++seen.busy;
  } else if (!foreign_.contains(instance.id)) {
    idle_.emplace_back(std::max<std::int64_t>(0, wall_ms - instance.worker_since_ms), instance.id);
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
  if (const std::uint32_t floor = std::min(options_.running_floor, seen.cap); decision.target < floor) {
    decision.target = floor;
    decision.reason += "; " + std::to_string(floor) + " are always kept";
  }
  if (last_target_ != decision.target) {
    log_.info("autoscaler_decides", {{"target", decision.target},
                                     {"reason", decision.reason},
                                     {"visible", seen.visible},
                                     {"in_flight", seen.in_flight},
                                     {"pending", seen.pending},
                                     {"running", seen.running},
                                     {"busy", seen.busy},
                                     {"idle", seen.idle_for.size()},
                                     {"leaving", seen.leaving}});
    last_target_ = decision.target;
  }
  return decision;
}

Task<> Autoscaler::act(Observation seen, Decision decision) {
  if (!seen.valid || options_.shadow) co_return;
  const std::uint32_t current = seen.pending + seen.running;
  if (decision.target > current && seen.now >= launch_from_) {
    const std::uint32_t room = seen.cap - std::min(seen.cap, current + seen.leaving);
    const std::uint32_t wanted = decision.target - current;
    if (options_.pool) {
      co_await start(startable(std::min(wanted, room)));
    } else {
      co_await launch(wanted);
    }
  }
  if (decision.target <= current) trouble_.clear();
  if (decision.target < current && seen.now >= shrink_from_) {
    std::vector<std::string> ids;
    const std::size_t leaving = std::min<std::size_t>(idle_.size(), current - decision.target);
    for (const auto& [since, id] : std::span(idle_).first(leaving)) ids.push_back(id);
    if (!ids.empty()) co_await dismiss(std::move(ids));
  }
}

Task<> Autoscaler::launch(std::uint32_t count) {
  const auto instances = co_await fleet_.launch(count);
  if (!instances) {
    note_refusal("cannot launch " + std::to_string(count) + ": " + instances.error().message);
    co_return;
  }
  for (const fleet::Instance& instance : *instances) note_acknowledged(instance.id);
}

Task<> Autoscaler::start(std::vector<std::string> ids) {
  if (ids.empty()) co_return;
  const auto started = co_await fleet_.start(ids);
  if (!started) {
    note_refusal("cannot start " + std::to_string(ids.size()) + ": " + started.error().message);
    co_return;
  }
  for (const std::string& id : ids) note_acknowledged(id);
}

// Stopped instances that have not been told to start, the lowest numbers first: 2 comes before 10.
std::vector<std::string> Autoscaler::startable(std::uint32_t count) const {
  std::vector<std::tuple<std::size_t, std::string, std::string>> stopped;
  for (const fleet::Instance& instance : instances_)
    if (instance.state == fleet::InstanceState::kStopped && !launched_.contains(instance.id))
      stopped.emplace_back(instance.name.size(), instance.name, instance.id);
  std::ranges::sort(stopped);
  std::vector<std::string> ids;
  const std::size_t started = std::min<std::size_t>(stopped.size(), count);
  for (const auto& [size, name, id] : std::span(stopped).first(started)) ids.push_back(id);
  return ids;
}

void Autoscaler::note_acknowledged(const std::string& id) {
  launched_.insert_or_assign(id, clock_.now() + kBelief);
  unproven_.insert(id);
}

void Autoscaler::note_refusal(std::string why) {
  log_.warn("autoscaler_cannot_launch", {{"error", why}, {"retry_ms", retry_.count()}});
  trouble_ = std::move(why);
  launch_from_ = clock_.now() + retry_;
  retry_ = std::min(retry_ * 2, kRetryLast);
}

Task<> Autoscaler::dismiss(std::vector<std::string> ids) {
  const MonoTime until = clock_.now() + kBelief;
  const auto told = co_await fleet_.dismiss(ids, options_.pool);
  if (!told) {
    log_.warn("autoscaler_cannot_shrink", {{"count", ids.size()}, {"error", told.error().message}});
    co_return;
  }
  for (std::string& id : ids) dismissed_.insert_or_assign(std::move(id), until);
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
