#include "autoscaler/policies/default.h"

#include <deque>
#include <optional>

#include "autoscaler/policies/forecast.h"
#include "autoscaler/policies/rule.h"
#include "autoscaler/policies/waiting.h"

namespace facefleet::autoscaler {
namespace {

// Until they are measured. A job's is that of a small model on one core, a start's that of a process.
constexpr double kServiceGuessS = 0.1, kStartGuessS = 0.2;
// The guess weighs as much as so many jobs: a first one that fits between two looks seems to take no time at all.
constexpr double kServiceGuessJobs = 3;
constexpr double kLateShare = 0.05;   // of all jobs may wait longer: what the 95th percentile leaves
constexpr double kSpendShare = 0.04;  // of them are spent knowingly
constexpr double kServiceMemoryJobs = 500;
constexpr Millis kLossMemory{300'000};

double seconds_of(Millis time) { return static_cast<double>(time.count()) / 1'000; }

// The probability that a job waits longer than `wait_s` at `workers` workers under `load` erlang: Erlang's C times the
// decay of the wait's tail.
double late_share(double load, std::uint32_t workers, double wait_s, double service_s) {
  if (load <= 0) return 0;
  if (load >= workers) return 1;
  double blocked = 1;  // Erlang's B
  for (std::uint32_t n = 1; n <= workers; ++n) blocked = load * blocked / (n + load * blocked);
  const double waits = blocked / (1 - load / workers * (1 - blocked));
  return waits * std::exp(-(workers - load) * wait_s / service_s);
}

class Default final : public Policy {
 public:
  explicit Default(const PolicyOptions& options)
      : wait_s_(seconds_of(options.wait)),
        tick_s_(seconds_of(options.tick)),
        keep_(options.keep),
        waiting_(options.wait) {}

  std::string_view name() const override { return kDefault; }

  Decision decide(const Observation& seen) override {
    if (!seen.valid) return hold(seen);
    learn(seen);
    const std::uint32_t current = current_of(seen);
    const std::uint32_t ahead = needed_ahead(seen);
    std::uint32_t wanted = current + more_for_backlog(seen);
    if (wanted > current) reason_ = "more to begin them within the wait";
    if (ahead > wanted) {
      wanted = ahead;
      reason_ = std::to_string(ahead) + " for what will come while a worker starts";
    }
    if (wanted <= current) wanted = kept(seen, ahead);
    left_ = std::min(wanted, seen.cap);
    return {left_, std::to_string(seen.visible) + " wait, " + std::to_string(seen.in_flight) + " in work; " + reason_};
  }

 private:
  void learn(const Observation& seen) {
    const std::uint64_t arrived = seen.arrived - std::min(arrived_, seen.arrived);
    arrived_ = seen.arrived;
    now_ = seen.now;
    waiting_.look(seen.now, seen.visible, arrived, seen.oldest_age);
    forecast_.add(seen.now, arrived);
    average_service(seen);
    start_s_ = seen.start.count() > 0 ? seconds_of(seen.start) : kStartGuessS;
    // A start that takes longer than any before has not been measured yet.
    // What has lasted so long may last as long again; but one that takes three times as long as others did is stuck,
    // and is not waited for.
    coming_.clear();
    for (const Millis since : seen.coming_for)
      if (seen.start.count() <= 0 || since <= 3 * seen.start) coming_.push_back(seconds_of(since));
    if (!coming_.empty() && coming_.front() > 1.2 * start_s_) start_s_ = 2 * coming_.front();
    if (arrived > 0 && !came_first_) came_first_ = seen.now;
    if (arrived > 0) came_last_ = seen.now;
    count_losses(seen);
  }

  // What is measured follows the last few jobs; a plan for many needs the mean of many, or one long job sends for ten
  // workers.
  void average_service(const Observation& seen) {
    const auto done = static_cast<double>(seen.completed - std::min(completed_, seen.completed));
    completed_ = seen.completed;
    if (seen.service.count() <= 0 || done <= 0) return;
    served_ = std::min(served_ + done, kServiceMemoryJobs);
    const double share = std::min(1.0, done / served_);
    service_s_ += share * (seconds_of(seen.service) - service_s_);
  }

  // Workers that went and were not told to.
  void count_losses(const Observation& seen) {
    const std::uint32_t current = current_of(seen);
    if (current < left_) losses_.emplace_back(seen.now, left_ - current);
    while (!losses_.empty() && seen.now - losses_.front().first > kLossMemory) losses_.pop_front();
  }

  // How many will be lost while a worker starts, and as many more as chance may add.
  double losses_ahead() const {
    double lost = 0;
    for (const auto& [at, count] : losses_) lost += count;
    const double mean = lost * start_s_ / seconds_of(kLossMemory);
    return mean + std::sqrt(mean);
  }

  // The share of late jobs against the share that may be late: over 1, the promise is broken so far.
  double spent() const { return waiting_.came() > 0 ? waiting_.late() / (kLateShare * waiting_.came()) : 0; }
  double allowance(double share) const { return std::max(0.0, share * waiting_.came() - waiting_.late()); }

  double slip_s() const { return std::max(2 * tick_s_, 0.05 * start_s_); }
  // A worker that is launched once a job has come begins it in time.
  bool start_fits() const { return start_s_ + slip_s() + tick_s_ <= wait_s_; }

  // When each worker there is can take its next job, from now.
  std::vector<double> available(const Observation& seen) const {
    std::vector<double> from(seen.idle_for.size(), 0.0);
    for (std::uint32_t i = 0; i < seen.busy; ++i) from.push_back(service_s_ / 2);
    for (const double since : coming_) from.push_back(std::max(0.0, start_s_ - since));
    return from;
  }

  double begun_by(const std::vector<double>& from, double by) const {
    double begun = 0;
    for (const double each : from)
      if (by >= each) begun += (by - each) / service_s_ + 0.5;
    return begun;
  }

  double oldest_wait_s() const {
    const auto& batches = waiting_.batches();
    return batches.empty() ? 0 : std::chrono::duration<double>(now_ - batches.front().came).count();
  }

  // How many more workers, launched `delay_s` from now, let all but the allowed share of the waiting jobs begin in
  // time.
  double more_if_launched(const Observation& seen, double delay_s) const {
    const std::vector<double> from = available(seen);
    const double ready = delay_s + start_s_;
    if (!start_fits()) return more_to_catch_up(from);
    double allowed = allowance(kSpendShare);
    double jobs = 0, more = 0;
    for (const Waiting::Batch& batch : waiting_.batches()) {
      jobs += batch.jobs;
      const double by = std::max(wait_s_ - std::chrono::duration<double>(now_ - batch.came).count(), 0.0);
      const double short_of = jobs - begun_by(from, by);
      if (by < ready) {
        allowed = std::max(0.0, allowed - std::max(0.0, short_of));
      } else if (short_of > allowed) {
        more = std::max(more, (short_of - allowed) / ((by - ready) / service_s_ + 0.5));
      }
    }
    // Those that nobody can begin in time any more are begun as soon as those that come.
    const double last = jobs - begun_by(from, ready + wait_s_);
    if (last > 0) more = std::max(more, last / (wait_s_ / service_s_ + 0.5));
    return std::ceil(more - 1e-9);
  }

  // Whoever waits now cannot be helped in time; whoever comes can, once the backlog is gone. How soon, the allowance
  // says.
  double more_to_catch_up(const std::vector<double>& from) const {
    const double rate = forecast_.at(Millis{0}).mean;
    const double within = std::max(wait_s_, rate > 0 ? 0.5 * allowance(kLateShare) / rate : 0);
    const double jobs = waiting_.jobs() + rate * (start_s_ + within - wait_s_);
    const double left = jobs - begun_by(from, start_s_ + within);
    return left > 0 ? std::ceil(left / (within / service_s_ + 0.5) - 1e-9) : 0;
  }

  std::uint32_t more_for_backlog(const Observation& seen) {
    if (seen.visible == 0) return 0;
    const double now = more_if_launched(seen, 0);
    if (now <= 0) return 0;
    // While waiting costs no further worker it saves worker time: more jobs share a start. With no worker at all nobody
    // waits beyond the promise for that, though some might: a lone caller would see no end of it.
    const double rate = forecast_.at(Millis{0}).mean;
    const bool company = rate * wait_s_ >= 0.5 * waiting_.jobs();
    const bool in_time = oldest_wait_s() + slip_s() + start_s_ + tick_s_ <= wait_s_;
    const bool patient = company && (in_time || current_of(seen) > 0);
    if (start_fits() && patient && more_if_launched(seen, slip_s()) <= now) return 0;
    return static_cast<std::uint32_t>(std::min(now, static_cast<double>(seen.cap)));
  }

  // Workers that hold the wait under the load that is forecast for the moment when one launched now could help.
  std::uint32_t needed_ahead(const Observation& seen) {
    const Rate now = forecast_.at(Millis{0});
    // Where a launch is in time for a job that has come, only workers that will be lost must be there before.
    if (start_fits()) return losses_.empty() ? 0 : capped(now.mean * service_s_ + losses_ahead() - 0.5, seen.cap);
    const Rate then = forecast_.at(seconds(start_s_));
    const double rate = std::max(now.mean, then.mean);
    if (rate * start_s_ < 0.5) return 0;
    const double load = rate * service_s_;
    std::uint32_t workers = static_cast<std::uint32_t>(std::min(load, static_cast<double>(seen.cap)));
    while (workers < seen.cap && late_share(load, workers, wait_s_, service_s_) > kLateShare) ++workers;
    // Where the forecast has not been enough so far, it is not trusted alone.
    const double doubt = 1 + 0.5 * std::clamp(spent() - 0.8, 0.0, 1.0);
    return capped(workers * doubt + losses_ahead() - 1e-9, seen.cap);
  }

  std::uint32_t kept(const Observation& seen, std::uint32_t ahead) {
    const std::uint32_t current = current_of(seen);
    // An idle worker for whom a job waits is as good as busy.
    const auto idle =
        static_cast<std::uint32_t>(seen.idle_for.size() - std::min<std::uint64_t>(seen.idle_for.size(), seen.visible));
    // The largest need of the last while: what is needed again within the time that a start costs is kept.
    needs_.push_back({seen.now, ahead});
    while (!needs_.empty() && seen.now - needs_.front().first > needed_again_within(ahead)) needs_.pop_front();
    std::uint32_t needed = 0;
    for (const auto& [at, each] : needs_) needed = std::max(needed, each);

    std::uint32_t leave = std::min(idle, current - std::min(current, needed));
    leave = std::min(leave, rested(seen, std::max(keep_, seconds(0))));
    // A silence as long as the hold that a user asked for ends the doubt: where a start fits, it is all there is to
    // lose.
    const bool silent = keep_ > Millis{0} && seen.now - came_last_ >= keep_;
    if (leave > 0 && start_fits() && !silent) leave = worth_leaving(seen, leave);
    reason_ = leave > 0 ? std::to_string(leave) + " are not needed soon" : "enough workers";
    return current - leave;
  }

  // An idle worker is kept about as long as a start costs. Where nothing comes any more and too many jobs were late
  // already, as long as jobs had been coming, within reason.
  Millis needed_again_within(std::uint32_t ahead) const {
    const Millis start = seconds(start_s_);
    if (ahead > 0 || start_fits() || spent() < 1 || !came_first_) return start;
    return std::clamp(std::chrono::duration_cast<Millis>(came_last_ - *came_first_), start, 4 * start);
  }

  // Of the idle workers, those whose leaving saves more than the start that brings one back.
  std::uint32_t worth_leaving(const Observation& seen, std::uint32_t idle) const {
    const double load = forecast_.at(Millis{0}).mean * service_s_;
    std::uint32_t leave = 0;
    for (; leave < idle; ++leave) {
      const double left = current_of(seen) - leave - 1;
      if (load <= left) continue;
      const double until_needed = (wait_s_ - start_s_) * std::max(left, service_s_ / wait_s_) / (load - left);
      const double idle_share = std::max(0.0, left + 1 - load);
      if (idle_share * 2 * until_needed < start_s_) break;
    }
    return leave;
  }

  const double wait_s_, tick_s_;
  const Millis keep_;
  Waiting waiting_;
  Forecast forecast_;
  MonoTime now_{};
  std::uint64_t arrived_ = 0, completed_ = 0;
  double served_ = kServiceGuessJobs;  // jobs that service_s_ is the mean of
  double service_s_ = kServiceGuessS, start_s_ = kStartGuessS;
  std::vector<double> coming_;  // seconds since the launch of each worker that is coming, longest first
  std::optional<MonoTime> came_first_;
  MonoTime came_last_{};
  std::uint32_t left_ = 0;  // workers there should be after the last decision
  std::deque<std::pair<MonoTime, std::uint32_t>> losses_;
  std::deque<std::pair<MonoTime, std::uint32_t>> needs_;
  std::string reason_;
};

}  // namespace

std::unique_ptr<Policy> make_default(const PolicyOptions& options) { return std::make_unique<Default>(options); }

}  // namespace facefleet::autoscaler
