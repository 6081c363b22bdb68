#include "autoscaler/estimates.h"

#include <algorithm>
#include <cmath>

namespace facefleet::autoscaler {
namespace {

// A worker tells what it has done within moments of deleting the message. What is not told by then left otherwise: it
// was purged, or went to the dead letters.
constexpr Millis kToldWithin{5'000};
constexpr double kServiceMemoryJobs = 64;  // a job's weight in the service time halves after about so many further ones
constexpr double kStartMemory = 0.3;       // the newest start's weight

}  // namespace

void Estimates::look(MonoTime now, std::uint64_t depth, std::span<const Worker> workers) {
  if (++looks_ == 1) {
    depth_ = depth;
    looked_at_ = now;
  }
  const std::uint64_t done = count_done(workers);
  completed_ += done;
  count_arrivals(now, depth, done);
  time_jobs(now, done, workers);
  looked_at_ = now;
}

void Estimates::time_jobs(MonoTime now, std::uint64_t done, std::span<const Worker> workers) {
  untold_ms_ += static_cast<double>(busy_) * std::chrono::duration<double, std::milli>(now - looked_at_).count();
  busy_ = static_cast<std::uint64_t>(std::ranges::count_if(workers, &Worker::busy));
  if (done == 0) return;
  const double keep = std::exp2(-static_cast<double>(done) / kServiceMemoryJobs);
  busy_ms_ = busy_ms_ * keep + untold_ms_;
  done_weight_ = done_weight_ * keep + static_cast<double>(done);
  untold_ms_ = 0;
}

// How many more jobs the workers have done since the last look. A worker that was there at the first look is counted
// from there on; one that came later, from nothing, and so is one that started anew.
std::uint64_t Estimates::count_done(std::span<const Worker> workers) {
  std::uint64_t done = 0;
  for (const Worker& worker : workers) {
    auto found = workers_.find(worker.id);
    if (found == workers_.end()) {
      found = workers_.emplace(std::string(worker.id), Known{}).first;
      if (looks_ == 1) found->second = {worker.jobs_done, worker.ready, looks_};
    }
    Known& known = found->second;
    done += worker.jobs_done >= known.jobs_done ? worker.jobs_done - known.jobs_done : worker.jobs_done;
    known.jobs_done = worker.jobs_done;
    if (worker.ready && !known.ready) note_start(worker.ready_after);
    known.ready = worker.ready || (known.ready && !worker.pending);
    known.looked = looks_;
  }
  std::erase_if(workers_, [this](const auto& entry) { return entry.second.looked != looks_; });
  return done;
}

void Estimates::count_arrivals(MonoTime now, std::uint64_t depth, std::uint64_t done) {
  const std::uint64_t gained = depth + done;
  if (owed_ > 0 && now - owed_since_ > kToldWithin) owed_ = 0;
  if (gained >= depth_) {
    const std::uint64_t change = gained - depth_;
    const std::uint64_t settled = std::min(owed_, change);
    owed_ -= settled;
    arrived_ += change - settled;
  } else {
    owed_ += depth_ - gained;
    owed_since_ = now;
  }
  depth_ = depth;
}

void Estimates::note_start(Millis took) {
  const auto ms = static_cast<double>(std::max<std::int64_t>(1, took.count()));
  start_ms_ = start_ms_ > 0 ? start_ms_ + kStartMemory * (ms - start_ms_) : ms;
}

Millis Estimates::service() const {
  if (!(done_weight_ > 0)) return Millis{0};
  return Millis(std::max<std::int64_t>(1, std::llround(busy_ms_ / done_weight_)));
}

Millis Estimates::start() const { return Millis(std::llround(start_ms_)); }

}  // namespace facefleet::autoscaler
