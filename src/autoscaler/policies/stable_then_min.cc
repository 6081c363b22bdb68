#include "autoscaler/policies/stable_then_min.h"

#include <optional>

#include "autoscaler/policies/rule.h"

namespace facefleet::autoscaler {
namespace {

constexpr int kEqualLooks = 3;
constexpr int kEmptyLooks = 10;

class StableThenMin final : public Policy {
 public:
  explicit StableThenMin(const PolicyOptions& options) : between_looks_(seconds(tuned(options, "look_s", 0))) {}

  std::string_view name() const override { return kStableThenMin; }

  Decision decide(const Observation& seen) override {
    if (!seen.valid) return hold(seen);
    if (looks_ > 0 && seen.now < next_look_) return {std::min(wanted(seen), seen.cap), reason_};
    next_look_ = seen.now + between_looks_;
    ++looks_;
    equal_ = seen.visible == length_ && looks_ > 1 ? equal_ + 1 : 1;
    empty_ = seen.visible == 0 && seen.responses == 0 ? empty_ + 1 : 0;
    length_ = seen.visible;

    const std::uint32_t current = current_of(seen);
    const std::uint32_t most = capped(static_cast<double>(length_), seen.cap);
    target_.reset();
    if (equal_ >= kEqualLooks && most > current) {
      target_ = most;
      reason_ = "the queue's length was " + std::to_string(length_) + " for 3 looks";
    } else if (empty_ >= kEmptyLooks && current > 0) {
      target_ = 0;
      reason_ = "both queues were empty for 10 looks";
    } else {
      reason_ = "length " + std::to_string(length_) + ", equal for " + std::to_string(equal_) + " looks, empty for " +
                std::to_string(empty_);
    }
    return {std::min(wanted(seen), seen.cap), reason_};
  }

 private:
  std::uint32_t wanted(const Observation& seen) const { return target_.value_or(current_of(seen)); }

  const Millis between_looks_;  // 0: every tick is a look
  MonoTime next_look_{};
  std::uint64_t looks_ = 0, length_ = 0;
  int equal_ = 0, empty_ = 0;
  std::optional<std::uint32_t> target_;
  std::string reason_;
};

}  // namespace

std::unique_ptr<Policy> make_stable_then_min(const PolicyOptions& options) {
  return std::make_unique<StableThenMin>(options);
}

std::vector<Tuning> stable_then_min_grid() { return combine({{"look_s", {0, 0.2, 0.5, 1, 2, 5, 10}}}); }

}  // namespace facefleet::autoscaler
