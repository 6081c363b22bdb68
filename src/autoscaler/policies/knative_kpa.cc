#include "autoscaler/policies/knative_kpa.h"

#include <deque>
#include <optional>

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

constexpr double kUpRate = 1'000;
constexpr double kDownRate = 2;

// The mean of what was seen within the last `window`, or since it began again after a window without anything.
class Window {
 public:
  explicit Window(Millis length) : length_(length) {}

  void add(MonoTime now, double value) {
    if (!samples_.empty() && now - samples_.back().first > length_) clear();
    samples_.emplace_back(now, value);
    sum_ += value;
    while (now - samples_.front().first > length_) {
      sum_ -= samples_.front().second;
      samples_.pop_front();
    }
  }
  void clear() {
    samples_.clear();
    sum_ = 0;
  }
  double mean() const { return samples_.empty() ? 0 : std::max(0.0, sum_) / static_cast<double>(samples_.size()); }
  bool empty() const { return samples_.empty(); }

 private:
  const Millis length_;
  std::deque<std::pair<MonoTime, double>> samples_;
  double sum_ = 0;
};

class KnativeKpa final : public Policy {
 public:
  explicit KnativeKpa(const PolicyOptions& options)
      : tick_(seconds(tuned(options, "tick_s", 2))),
        stable_length_(seconds(tuned(options, "stable_window_s", 60))),
        grace_(seconds(tuned(options, "scale_to_zero_grace_s", 30))),
        panic_threshold_(tuned(options, "panic_threshold", 2)),
        target_(tuned(options, "concurrency", 1) * tuned(options, "utilization", 0.7)),
        stable_(stable_length_),
        panic_(stable_length_ / 10) {}

  std::string_view name() const override { return kKnativeKpa; }

  Decision decide(const Observation& seen) override {
    begin(seen);
    if (!seen.valid) return hold(seen);
    const std::uint64_t jobs = seen.visible + seen.in_flight;
    // Without workers only the activator reports, and only when a request comes; it does not wait for the next tick.
    const bool first_request = replicas_ == 0 && current_of(seen) == 0 && jobs > 0;
    if (current_of(seen) > 0 || jobs > 0) {
      stable_.add(seen.now, static_cast<double>(jobs));
      panic_.add(seen.now, static_cast<double>(jobs));
    }
    if ((first_request || seen.now >= next_tick_) && !stable_.empty()) {
      next_tick_ = seen.now + tick_;
      scale(seen);
    }
    replicas_ = std::min(replicas_, seen.cap);
    return {replicas_, reason_};
  }

 private:
  // After a restart it begins in panic with what there is, so that a restart never shrinks the fleet.
  void begin(const Observation& seen) {
    if (begun_) return;
    begun_ = true;
    replicas_ = current_of(seen);
    if (replicas_ > 0) {
      panic_since_ = seen.now;
      most_in_panic_ = replicas_;
    }
  }

  void scale(const Observation& seen) {
    const auto coming = static_cast<std::uint32_t>(seen.coming_for.size());
    const double ready = std::max(1.0, static_cast<double>(current_of(seen)) - coming);
    const double up = std::ceil(kUpRate * ready), down = std::floor(ready / kDownRate);
    const double in_panic = std::ceil(panic_.mean() / target_);
    const std::uint32_t stable_wish = capped(std::clamp(std::ceil(stable_.mean() / target_), down, up), seen.cap);
    const std::uint32_t panic_wish = capped(std::clamp(in_panic, down, up), seen.cap);

    const bool over = in_panic / ready >= panic_threshold_;
    if (over) panic_since_ = seen.now;
    if (panic_since_ && seen.now - *panic_since_ > stable_length_) {
      panic_since_.reset();
      most_in_panic_ = 0;
    }
    std::uint32_t wish = stable_wish;
    if (panic_since_) wish = most_in_panic_ = std::max({stable_wish, panic_wish, most_in_panic_});

    // The last worker stays for the grace period.
    if (wish > 0) zero_since_.reset();
    if (wish == 0 && !zero_since_) zero_since_ = seen.now;
    if (wish == 0 && replicas_ > 0 && seen.now - *zero_since_ < grace_) wish = 1;

    replicas_ = wish;
    reason_ = std::to_string(wish) + (panic_since_ ? " in panic" : " for the stable window's concurrency");
  }

  const Millis tick_, stable_length_, grace_;
  const double panic_threshold_, target_;
  Window stable_, panic_;
  bool begun_ = false;
  std::uint32_t replicas_ = 0, most_in_panic_ = 0;
  MonoTime next_tick_{};
  std::optional<MonoTime> panic_since_, zero_since_;
  std::string reason_ = "no change yet";
};

}  // namespace

std::unique_ptr<Policy> make_knative_kpa(const PolicyOptions& options) { return std::make_unique<KnativeKpa>(options); }

std::vector<Tuning> knative_kpa_grid() {
  return combine({{"stable_window_s", {60, 20, 6}},
                  {"scale_to_zero_grace_s", {30, 0}},
                  {"panic_threshold", {2, 10}},
                  {"utilization", {0.7, 1, 2}}});
}

}  // namespace facefleet::autoscaler
