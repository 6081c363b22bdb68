#include "autoscaler/policies/aws_target_tracking.h"

#include <deque>

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

constexpr double kInBelow = 0.9;

class AwsTargetTracking final : public Policy {
 public:
  explicit AwsTargetTracking(const PolicyOptions& options)
      : acceptable_s_(static_cast<double>(options.wait.count()) / 1'000 * tuned(options, "latency_share", 1)),
        period_(seconds(tuned(options, "period_s", 60))),
        cooldown_(seconds(tuned(options, "cooldown_s", 300))),
        warmup_(seconds(tuned(options, "warmup_s", 300))),
        periods_out_(static_cast<std::size_t>(tuned(options, "periods_out", 3))),
        periods_in_(static_cast<std::size_t>(tuned(options, "periods_in", 15))) {}

  std::string_view name() const override { return kAwsTargetTracking; }

  Decision decide(const Observation& seen) override {
    if (!begun_) {
      begun_ = true;
      replicas_ = current_of(seen);
      period_ends_ = seen.now + period_;
      quiet_from_ = seen.now + cooldown_;
    }
    if (!seen.valid) return hold(seen);
    visible_ += static_cast<double>(seen.visible);
    running_ += static_cast<double>(seen.running);
    ++samples_;
    if (seen.now >= period_ends_) {
      period_ends_ = seen.now + period_;
      end_period(seen);
    }
    replicas_ = std::min(replicas_, seen.cap);
    return {replicas_, reason_};
  }

 private:
  void end_period(const Observation& seen) {
    const double backlog = visible_ / std::max(static_cast<double>(samples_), running_);
    visible_ = running_ = 0;
    samples_ = 0;
    backlogs_.push_back(backlog);
    if (backlogs_.size() > std::max(periods_out_, periods_in_)) backlogs_.pop_front();

    const double service_s = seen.service.count() > 0 ? static_cast<double>(seen.service.count()) / 1'000 : 1;
    const double acceptable = acceptable_s_ / service_s;
    const auto last_all = [&](std::size_t count, auto&& what) {
      return backlogs_.size() >= count && std::all_of(backlogs_.end() - static_cast<std::ptrdiff_t>(count),
                                                      backlogs_.end(), std::forward<decltype(what)>(what));
    };
    const double wanted = std::max(1.0, static_cast<double>(seen.running)) * backlog / acceptable;
    if (last_all(periods_out_, [&](double each) { return each > acceptable; })) {
      const std::uint32_t more = capped(wanted, seen.cap);
      if (more <= replicas_) return;
      resize(more, backlog, "above the target");
      quiet_from_ = seen.now + warmup_;
    } else if (seen.now >= quiet_from_ && replicas_ > 0 &&
               last_all(periods_in_, [&](double each) { return each < kInBelow * acceptable; })) {
      resize(std::min(replicas_, capped(wanted, seen.cap)), backlog, "below the target");
      quiet_from_ = seen.now + cooldown_;
    }
  }

  void resize(std::uint32_t to, double backlog, const char* why) {
    replicas_ = to;
    reason_ = std::to_string(std::llround(backlog)) + " messages an instance, " + why;
  }

  const double acceptable_s_;
  const Millis period_, cooldown_, warmup_;
  const std::size_t periods_out_, periods_in_;
  bool begun_ = false;
  std::uint32_t replicas_ = 0;
  MonoTime period_ends_{}, quiet_from_{};  // before quiet_from_ it does not scale in
  double visible_ = 0, running_ = 0;       // sums over the period's samples
  std::uint64_t samples_ = 0;
  std::deque<double> backlogs_;  // one a period
  std::string reason_ = "no alarm yet";
};

}  // namespace

std::unique_ptr<Policy> make_aws_target_tracking(const PolicyOptions& options) {
  return std::make_unique<AwsTargetTracking>(options);
}

// With high-resolution metrics (10 s) go shorter warm-up and cooldown.
std::vector<Tuning> aws_target_tracking_grid() {
  auto grid = combine(
      {{"latency_share", {1, 0.5, 0.1}}, {"period_s", {60, 10}}, {"periods_out", {3, 1}}, {"periods_in", {15, 3, 1}}});
  for (Tuning& point : grid) point["warmup_s"] = point["cooldown_s"] = point["period_s"] * 5;
  return grid;
}

}  // namespace facefleet::autoscaler
