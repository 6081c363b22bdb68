// What no single look at queue and fleet can tell, and a series of looks can: how many jobs came and were done, how
// long a job takes a worker, how long a worker takes to start. A pure value; the loop and the simulator share it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace facefleet::autoscaler {

class Estimates {
 public:
  struct Worker {
    std::string_view id;
    bool pending = false;  // launched, or started anew, and not yet running
    bool ready = false;    // idle or busy
    bool busy = false;
    std::uint64_t jobs_done = 0;
    Millis ready_after{0};  // where ready: from launch until it became what it is
  };

  // One look. `depth`: visible, in flight and delayed jobs. `workers`: all that are listed, those that left included.
  void look(MonoTime now, std::uint64_t depth, std::span<const Worker> workers);

  std::uint64_t arrived() const { return arrived_; }      // since the first look; never falls
  std::uint64_t completed() const { return completed_; }  // since the first look; never falls
  Millis service() const;                                 // 0: not known yet
  Millis start() const;                                   // 0: not known yet

 private:
  struct Known {
    std::uint64_t jobs_done = 0;
    bool ready = false;        // was, since it was last pending
    std::uint64_t looked = 0;  // the last look that listed it
  };

  void time_jobs(MonoTime now, std::uint64_t done, std::span<const Worker> workers);
  std::uint64_t count_done(std::span<const Worker> workers);
  void count_arrivals(MonoTime now, std::uint64_t depth, std::uint64_t done);
  void note_start(Millis took);

  std::uint64_t looks_ = 0;
  MonoTime looked_at_{};
  std::map<std::string, Known, std::less<>> workers_;
  std::uint64_t depth_ = 0, arrived_ = 0, completed_ = 0;
  std::uint64_t owed_ = 0;  // jobs that left the queue and that no worker has told of yet
  MonoTime owed_since_{};
  std::uint64_t busy_ = 0;                // workers that were busy at the last look
  double untold_ms_ = 0;                  // worker time since a job was last done
  double busy_ms_ = 0, done_weight_ = 0;  // decaying sums: the worker time that so many jobs took
  double start_ms_ = 0;
};

}  // namespace facefleet::autoscaler
