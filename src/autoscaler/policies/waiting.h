// The jobs that wait, oldest first, with the time they came, and how many waited too long so far: from counts alone, as
// a queue serves oldest first. A pure value.
#pragma once

#include <cstdint>
#include <deque>

#include "base/clock.h"

namespace facefleet::autoscaler {

class Waiting {
 public:
  struct Batch {
    MonoTime came;
    double jobs = 0;
  };

  explicit Waiting(Millis wait) : wait_(wait) {}

  // One look: `visible` jobs wait, `arrived` came since the last look.
  void look(MonoTime now, std::uint64_t visible, std::uint64_t arrived, Millis oldest_age);

  const std::deque<Batch>& batches() const { return batches_; }
  double jobs() const { return jobs_; }

  double came() const { return came_; }
  double late() const;  // of those: began too late, or wait too long already

 private:
  const Millis wait_;
  MonoTime last_{};
  std::deque<Batch> batches_;
  double jobs_ = 0;
  double came_ = 0, late_ = 0;
};

}  // namespace facefleet::autoscaler
