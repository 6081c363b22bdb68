#include "autoscaler/policies/keda_sqs.h"

#include <deque>
#include <optional>

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

constexpr double kTolerance = 0.1;

class KedaSqs final : public Policy {
 public:
  explicit KedaSqs(const PolicyOptions& options)
      : polling_(seconds(tuned(options, "polling_s", 30))),
        cooldown_(seconds(tuned(options, "cooldown_s", 300))),
        sync_(seconds(tuned(options, "sync_s", 15))),
        stabilization_(seconds(tuned(options, "stabilization_s", 300))),
        queue_length_(tuned(options, "queue_length", 5)) {}

  std::string_view name() const override { return kKedaSqs; }

  Decision decide(const Observation& seen) override {
    if (!begun_) replicas_ = current_of(seen);
    begun_ = true;
    if (!seen.valid) return hold(seen);
    messages_ = seen.visible + seen.in_flight;
    if (seen.now >= next_poll_) {
      next_poll_ = seen.now + polling_;
      poll(seen);
    }
    if (seen.now >= next_sync_) {
      next_sync_ = seen.now + sync_;
      if (replicas_ > 0) sync(seen);
    }
    replicas_ = std::min(replicas_, seen.cap);
    return {replicas_, reason_};
  }

 private:
  void poll(const Observation& seen) {
    if (messages_ > 0) {
      active_at_ = seen.now;
      if (replicas_ == 0) resize(1, "active");
    } else if (replicas_ > 0 && (!active_at_ || seen.now - *active_at_ > cooldown_)) {
      wishes_.clear();
      resize(0, "inactive for the cooldown");
    }
  }

  void sync(const Observation& seen) {
    const double ratio = static_cast<double>(messages_) / (queue_length_ * replicas_);
    std::uint32_t wish = replicas_;
    if (std::abs(ratio - 1) > kTolerance)
      wish = std::max(1U, capped(static_cast<double>(messages_) / queue_length_, seen.cap));
    wish = std::min(wish, std::max(2 * replicas_, replicas_ + 4));
    wishes_.emplace_back(seen.now, wish);
    while (seen.now - wishes_.front().first > stabilization_) wishes_.pop_front();
    for (const auto& [at, wished] : wishes_)
      if (wish < replicas_) wish = std::min(replicas_, std::max(wish, wished));
    if (wish != replicas_) resize(wish, "of the stabilised wish");
  }

  void resize(std::uint32_t to, const char* why) {
    replicas_ = to;
    reason_ = std::to_string(messages_) + " messages, " + std::to_string(to) + " replicas: " + why;
  }

  const Millis polling_, cooldown_, sync_, stabilization_;
  const double queue_length_;
  bool begun_ = false;
  std::uint32_t replicas_ = 0;
  std::uint64_t messages_ = 0;
  std::optional<MonoTime> active_at_;
  MonoTime next_poll_{}, next_sync_{};
  std::deque<std::pair<MonoTime, std::uint32_t>> wishes_;
  std::string reason_ = "no change yet";
};

}  // namespace

std::unique_ptr<Policy> make_keda_sqs(const PolicyOptions& options) { return std::make_unique<KedaSqs>(options); }

// The HPA's stabilisation follows the cooldown: who lowers the one for a quicker fleet lowers the other.
std::vector<Tuning> keda_sqs_grid() {
  auto grid = combine({{"queue_length", {5, 1, 2, 20}}, {"polling_s", {30, 5, 1}}, {"cooldown_s", {300, 60, 10}}});
  for (Tuning& point : grid) {
    point["stabilization_s"] = point["cooldown_s"];
    point["sync_s"] = std::min(15.0, point["polling_s"]);
  }
  return grid;
}

}  // namespace facefleet::autoscaler
