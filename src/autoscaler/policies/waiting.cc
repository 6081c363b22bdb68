#include "autoscaler/policies/waiting.h"

#include <algorithm>

namespace facefleet::autoscaler {

void Waiting::look(MonoTime now, std::uint64_t visible, std::uint64_t arrived, Millis oldest_age) {
  const MonoTime before = last_ == MonoTime{} ? now - oldest_age : last_;
  const auto wanted = static_cast<double>(visible);
  if (last_ == MonoTime{}) arrived = visible;
  last_ = now;

  came_ += static_cast<double>(arrived);
  // They came at any moment since the last look; the earliest is assumed.
  if (arrived > 0) batches_.push_back({before, static_cast<double>(arrived)});
  jobs_ += static_cast<double>(arrived);
  while (jobs_ > wanted && !batches_.empty()) {
    Batch& oldest = batches_.front();
    const double begun = std::min(oldest.jobs, jobs_ - wanted);
    if (now - oldest.came > wait_) late_ += begun;
    oldest.jobs -= begun;
    jobs_ -= begun;
    if (oldest.jobs <= 0) batches_.pop_front();
  }
  // Jobs that came back: their worker died, or failed. They were served once; what they wait now counts anew.
  if (jobs_ < wanted) {
    batches_.push_front({now, wanted - jobs_});
    jobs_ = wanted;
  }
}

double Waiting::late() const {
  double late = late_;
  for (const Batch& batch : batches_) {
    if (last_ - batch.came <= wait_) break;
    late += batch.jobs;
  }
  return late;
}

}  // namespace facefleet::autoscaler
