#include "sim/simulation.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <queue>
#include <span>
#include <string>
#include <tuple>

#include "autoscaler/estimates.h"
#include "base/ids.h"

namespace facefleet::sim {
namespace {

using autoscaler::Decision;
using autoscaler::Observation;

constexpr Micros kNever = Micros::max();
constexpr MonoTime kEpoch{std::chrono::hours(1)};
// All is over once nothing has been left to do for kQuiet, or nothing has come or been answered for kPatience: the
// longest cooldown of a known policy is a quarter of an hour.
constexpr Micros kQuiet{60'000'000};
constexpr Micros kPatience{1'800'000'000};

double to_seconds(Micros time) { return static_cast<double>(time.count()) * 1e-6; }
Millis to_millis(Micros time) { return std::chrono::round<Millis>(time); }

enum class State : std::uint8_t { kStarting, kIdle, kBusy, kEnded };

struct Worker {
  std::string id;
  Micros launched{0};
  Micros since{0};  // idle since, or busy since
  std::uint64_t jobs_done = 0;
  std::uint32_t job = 0;
  State state = State::kStarting;
  bool leaving = false;  // takes nothing more
  bool slow = false;
};

struct Event {
  enum class Kind : std::uint8_t { kStarted, kFinished, kLeaseEnded };
  Micros at{0};
  std::uint64_t order = 0;  // of two at one moment, the one that was foreseen first
  Kind kind = Kind::kStarted;
  std::uint32_t number = 0;  // of the worker; of the job where a lease ended

  friend bool operator>(const Event& a, const Event& b) { return std::tie(a.at, a.order) > std::tie(b.at, b.order); }
};

// Messages by the order of their arrival: those never received yet are a range, those that came back a heap.
class Queue {
 public:
  bool empty() const { return fresh_ == arrived_ && returned_.empty(); }
  std::uint64_t visible() const { return arrived_ - fresh_ + returned_.size(); }
  std::uint32_t arrived() const { return arrived_; }
  void arrive() { ++arrived_; }
  void give_back(std::uint32_t job) { returned_.push(job); }
  std::uint32_t oldest() const { return returned_.empty() ? fresh_ : std::min(returned_.top(), fresh_); }
  std::uint32_t take() {
    if (returned_.empty()) return fresh_++;
    const std::uint32_t job = returned_.top();  // came back, so it arrived before any that is fresh
    returned_.pop();
    return job;
  }

 private:
  std::uint32_t arrived_ = 0;
  std::uint32_t fresh_ = 0;
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> returned_;
};

class Simulation {
 public:
  Simulation(const Trace& trace, autoscaler::Policy& policy, const Options& options)
      : trace_(trace), policy_(policy), options_(options), faults_(trace.faults) {
    receives_.resize(trace.arrivals.size());
    waits_.reserve(trace.arrivals.size());
    out_.jobs = trace.arrivals.size();
  }

  Outcome run() {
    while (!over_) step();
    close();
    return std::move(out_);
  }

 private:
  // At one moment: what workers do, then what arrives, then what befalls, then the scaler's look at it all.
  void step() {
    const Micros event = events_.empty() ? kNever : events_.top().at;
    const Micros arrival = queue_.arrived() < out_.jobs ? trace_.arrivals[queue_.arrived()] : kNever;
    const Micros fault = faults_.empty() ? kNever : faults_.front().at;
    now_ = std::min({event, arrival, fault, next_tick_});
    if (event == now_) {
      const Event due = events_.top();
      events_.pop();
      handle(due);
    } else if (arrival == now_) {
      arrive();
    } else if (fault == now_) {
      befall(faults_.front());
      faults_ = faults_.subspan(1);
    } else {
      next_tick_ += options_.tick;
      tick();
    }
  }

  // --- jobs ---

  void arrive() {
    last_news_ = now_;
    queue_.arrive();
    if (idle_.empty()) return;
    const std::uint32_t worker =
        idle_.front();  // waiting receivers are served in the order in which they began to wait
    idle_.pop_front();
    take_job(worker);
  }

  void take_job(std::uint32_t number) {
    Worker& worker = workers_[number];
    worker.job = queue_.take();
    worker.state = State::kBusy;
    worker.since = now_;
    ++leased_;
    ++busy_;
    if (worker.leaving) ++busy_leaving_;
    if (receives_[worker.job] < std::numeric_limits<std::uint8_t>::max()) ++receives_[worker.job];
    foresee(now_ + service_of(worker), Event::Kind::kFinished, number);
  }

  Micros service_of(const Worker& worker) const {
    const Micros service = trace_.services.empty() ? options_.service : trace_.services[worker.job];
    return worker.slow ? Micros(std::llround(trace_.slow_factor * static_cast<double>(service.count()))) : service;
  }

  void finish_job(std::uint32_t number) {
    Worker& worker = workers_[number];
    last_news_ = now_;
    set_free(worker);
    if (std::ranges::binary_search(trace_.poison, worker.job)) {
      foresee(std::max(now_, worker.since + options_.lease), Event::Kind::kLeaseEnded, worker.job);
    } else {
      --leased_;
      ++out_.answered;
      ++worker.jobs_done;
      waits_.push_back(worker.since - trace_.arrivals[worker.job]);
    }
    look_for_work(number);
  }

  void end_lease(std::uint32_t job) {
    --leased_;
    if (receives_[job] >= options_.receives_max) {
      ++out_.dead;
      return;
    }
    queue_.give_back(job);
    if (idle_.empty()) return;
    const std::uint32_t worker = idle_.front();
    idle_.pop_front();
    take_job(worker);
  }

  // --- workers ---

  void launch(std::uint32_t count) {
    for (; count > 0 && alive_.size() < options_.cap; --count) {
      const auto number = static_cast<std::uint32_t>(workers_.size());
      Worker& worker = workers_.emplace_back();
      worker.id = std::to_string(number);
      worker.launched = now_;
      worker.slow = is_slow(number);
      starting_.push_back(number);
      foresee(now_ + options_.start, Event::Kind::kStarted, number);
      alive_.push_back(number);
    }
    out_.peak = std::max(out_.peak, static_cast<std::uint32_t>(alive_.size()));
  }

  bool is_slow(std::uint32_t number) const {
    if (trace_.slow_share == 0) return false;
    SeededRandom random(trace_.seed ^ (std::uint64_t{number} << 32));
    return static_cast<double>(random.next() >> 11) * 0x1p-53 < trace_.slow_share;
  }

  void start_work(std::uint32_t number) {
    std::erase(starting_, number);
    look_for_work(number);
  }

  // The worker has no job: takes one, or waits for one, or goes.
  void look_for_work(std::uint32_t number) {
    Worker& worker = workers_[number];
    if (worker.leaving) return end(number);
    if (!queue_.empty()) return take_job(number);
    if (options_.workers_end_themselves) return end(number);
    worker.state = State::kIdle;
    worker.since = now_;
    idle_.push_back(number);
  }

  void set_free(const Worker& worker) {
    --busy_;
    if (worker.leaving) --busy_leaving_;
  }

  // Its events that are still to come find it ended.
  void end(std::uint32_t number) {
    Worker& worker = workers_[number];
    worker.state = State::kEnded;
    billed_ += now_ - worker.launched;
    std::erase(alive_, number);
    ended_.push_back(number);
  }

  void dismiss(std::uint32_t count) {
    for (; count > 0 && !idle_.empty(); --count) {
      end(idle_.front());
      idle_.pop_front();
    }
  }

  // --- events and faults ---

  void foresee(Micros at, Event::Kind kind, std::uint32_t number) { events_.push({at, order_++, kind, number}); }

  void handle(const Event& event) {
    if (event.kind == Event::Kind::kLeaseEnded) return end_lease(event.number);
    if (workers_[event.number].state == State::kEnded) return;
    if (event.kind == Event::Kind::kStarted) return start_work(event.number);
    finish_job(event.number);
  }

  void befall(const Fault& fault) {
    switch (fault.kind) {
      case Fault::Kind::kCrash: return crash_one(fault.draw);
      case Fault::Kind::kNotice: return give_notice(fault.share, fault.draw);
      case Fault::Kind::kMetricLost: metric_ = false; return;
      case Fault::Kind::kMetricBack: metric_ = true; return;
    }
  }

  void crash_one(std::uint64_t draw) {
    std::vector<std::uint32_t> started = alive_;
    std::erase_if(started, [this](std::uint32_t number) { return workers_[number].state == State::kStarting; });
    if (started.empty()) return;
    const std::uint32_t number = started[draw % started.size()];
    const Worker& worker = workers_[number];
    if (worker.state == State::kBusy) {
      set_free(worker);
      // A worker extends its leases each third of their length.
      const Micros held = now_ - worker.since;
      const Micros third = std::max(options_.lease / 3, Micros(1));
      foresee(worker.since + held / third * third + options_.lease, Event::Kind::kLeaseEnded, worker.job);
    }
    std::erase(idle_, number);
    end(number);
  }

  void give_notice(double share, std::uint64_t draw) {
    std::vector<std::uint32_t> left = alive_;
    std::erase_if(left, [this](std::uint32_t number) { return workers_[number].leaving; });
    SeededRandom random(draw);
    for (auto count = std::llround(share * static_cast<double>(left.size())); count > 0; --count) {
      const std::size_t chosen = random.next() % left.size();
      const std::uint32_t number = left[chosen];
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(chosen));
      Worker& worker = workers_[number];
      worker.leaving = true;
      if (worker.state == State::kBusy) {
        ++busy_leaving_;
        continue;
      }
      std::erase(idle_, number);
      std::erase(starting_, number);
      end(number);
    }
  }

  // --- the scaler ---

  // What the loop learns of each worker; those that ended since its last look are still listed this once.
  void estimate() {
    looked_at_.clear();
    for (const std::uint32_t number : alive_) looked_at_.push_back(listed(workers_[number]));
    for (const std::uint32_t number : ended_) looked_at_.push_back(listed(workers_[number]));
    ended_.clear();
    estimates_.look(seen_.now, seen_.visible + seen_.in_flight, looked_at_);
  }

  autoscaler::Estimates::Worker listed(const Worker& worker) const {
    const bool ready = worker.state == State::kIdle || worker.state == State::kBusy;
    return {.id = worker.id,
            .pending = worker.state == State::kStarting,
            .ready = ready,
            .busy = worker.state == State::kBusy,
            .jobs_done = worker.jobs_done,
            .ready_after = ready ? to_millis(worker.since - worker.launched) : Millis(0)};
  }

  void observe() {
    seen_.now = kEpoch + now_;
    seen_.valid = metric_;
    seen_.visible = metric_ ? queue_.visible() : 0;
    seen_.in_flight = metric_ ? leased_ : 0;
    seen_.oldest_age = metric_ && !queue_.empty() ? to_millis(now_ - trace_.arrivals[queue_.oldest()]) : Millis(0);
    if (metric_) estimate();
    seen_.arrived = estimates_.arrived();
    seen_.completed = estimates_.completed();
    seen_.service = estimates_.service();
    seen_.start = estimates_.start();
    seen_.pending = static_cast<std::uint32_t>(starting_.size());
    seen_.busy = busy_ - busy_leaving_;
    seen_.running = seen_.busy + static_cast<std::uint32_t>(idle_.size());
    seen_.leaving = busy_leaving_;
    seen_.cap = options_.cap;
    seen_.coming_for.clear();
    for (const std::uint32_t number : starting_)
      seen_.coming_for.push_back(to_millis(now_ - workers_[number].launched));
    seen_.idle_for.clear();
    for (const std::uint32_t number : idle_) seen_.idle_for.push_back(to_millis(now_ - workers_[number].since));
  }

  void tick() {
    observe();
    const Decision decision = policy_.decide(seen_);
    if (seen_.valid) act(decision.target);
    if (options_.keep_timeline) {
      const auto starting = static_cast<std::uint32_t>(starting_.size());
      out_.timeline.push_back(
          {now_, queue_.visible() + leased_, starting, static_cast<std::uint32_t>(alive_.size()) - starting});
    }
    const bool settled = out_.answered + out_.dead == out_.jobs && alive_.empty();
    if (!settled) quiet_since_ = kNever;
    if (settled && quiet_since_ == kNever) quiet_since_ = now_;
    const bool more_comes = queue_.arrived() < out_.jobs;
    over_ = !more_comes && ((settled && now_ - quiet_since_ >= kQuiet) || now_ - last_news_ >= kPatience);
  }

  void act(std::uint32_t target) {
    const std::uint32_t current = seen_.pending + seen_.running;
    const std::size_t alive_before = alive_.size();
    if (target > current) launch(target - current);
    if (target < current) dismiss(current - target);
    if (alive_.size() == alive_before) return;
    const bool grew = alive_.size() > alive_before;
    if (grew != grew_) ++out_.changes;
    grew_ = grew;
    out_.launches += grew ? alive_.size() - alive_before : 0;
  }

  void close() {
    for (Worker& worker : workers_)
      if (worker.state != State::kEnded) billed_ += now_ - worker.launched;
    out_.worker_seconds = to_seconds(billed_);
    out_.lost = out_.jobs - out_.answered - out_.dead;
    add_waits_of_the_lost();
    out_.wait_p50_s = to_seconds(percentile(50));
    out_.wait_p95_s = to_seconds(percentile(95));
    out_.wait_max_s = waits_.empty() ? 0 : to_seconds(*std::ranges::max_element(waits_));
    out_.over = settled_at();
  }

  Micros settled_at() const { return quiet_since_ == kNever ? now_ : quiet_since_; }

  void add_waits_of_the_lost() {
    // Only a policy that starts no more workers loses jobs; those that were delivered before hold leases no longer.
    if (out_.lost == 0) return;
    while (!queue_.empty()) waits_.push_back(now_ - trace_.arrivals[queue_.take()]);
    for (const Worker& worker : workers_)
      if (worker.state == State::kBusy) waits_.push_back(now_ - trace_.arrivals[worker.job]);
  }

  Micros percentile(std::uint64_t p) {
    if (waits_.empty()) return Micros(0);
    const std::size_t rank = (waits_.size() * p + 99) / 100;
    const auto at = waits_.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
    std::nth_element(waits_.begin(), at, waits_.end());
    return *at;
  }

  const Trace& trace_;
  autoscaler::Policy& policy_;
  const Options& options_;
  std::span<const Fault> faults_;  // still to come
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;

  Micros now_{0};
  Micros next_tick_{0};
  Micros last_news_{0};  // something came, or was done
  Micros quiet_since_ = kNever;
  bool over_ = false;

  Queue queue_;
  std::uint64_t leased_ = 0;
  std::vector<std::uint8_t> receives_;  // by job
  std::vector<Micros> waits_;

  std::vector<Worker> workers_;         // by number, ended ones included
  std::deque<std::uint32_t> starting_;  // longest first
  std::deque<std::uint32_t> idle_;      // longest first
  std::uint32_t busy_ = 0;
  std::uint32_t busy_leaving_ = 0;
  std::vector<std::uint32_t> alive_;  // in the order of their launch
  std::vector<std::uint32_t> ended_;  // since the scaler last looked
  Micros billed_{0};

  Observation seen_;
  autoscaler::Estimates estimates_;
  std::vector<autoscaler::Estimates::Worker> looked_at_;
  bool metric_ = true;
  bool grew_ = true;
  Outcome out_;
};

}  // namespace

Outcome simulate(const Trace& trace, autoscaler::Policy& policy, const Options& options) {
  return Simulation(trace, policy, options).run();
}

}  // namespace facefleet::sim
