#include "autoscaler/policies/forecast.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace facefleet::autoscaler {
namespace {

constexpr Millis kBucket{500};
constexpr double kBucketS = 0.5;
constexpr std::size_t kShortest = 4, kLongest = 512;  // buckets
constexpr int kStreamLooks = 3;
constexpr double kUnlikely = 3;  // standard deviations

}  // namespace

void Forecast::add(MonoTime now, std::uint64_t count) {
  if (bucket_ends_ == MonoTime{}) bucket_ends_ = now + kBucket;
  open_ += static_cast<double>(count);
  open_looks_ += count > 0 ? 1 : 0;
  if (now < bucket_ends_) return;
  // After a pause without looks, what came is spread over it.
  const auto full = std::min<std::int64_t>(1 + (now - bucket_ends_) / kBucket, kLongest);
  for (std::int64_t i = 0; i < full; ++i) {
    counts_.push_back(open_ / static_cast<double>(full));
    looks_.push_back(open_looks_);
  }
  while (counts_.size() > kLongest) {
    counts_.pop_front();
    looks_.pop_front();
  }
  open_ = 0;
  open_looks_ = 0;
  bucket_ends_ += kBucket * (1 + (now - bucket_ends_) / kBucket);
  fit();
}

// From the longest window down: the first whose line also explains its newest quarter, and its newest two seconds.
void Forecast::fit() {
  for (std::size_t buckets = kLongest; buckets >= kShortest; buckets /= 2) {
    if (buckets > counts_.size() && buckets > kShortest) continue;
    const std::size_t there = std::min(buckets, counts_.size());
    line_ = line_through(there);
    line_looks_ = std::accumulate(looks_.end() - static_cast<std::ptrdiff_t>(there), looks_.end(), 0);
    if (buckets <= kShortest || (explains(line_, buckets / 4) && explains(line_, kShortest))) return;
  }
}

// Least squares on the buckets' rates; their variance is that of Poisson's counts.
Forecast::Line Forecast::line_through(std::size_t buckets) const {
  const double length = static_cast<double>(buckets) * kBucketS;
  const double middle = -length / 2;
  double sum = 0, sum_time = 0, sum_squares = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const double count = counts_[counts_.size() - 1 - i];
    const double time = -(static_cast<double>(i) + 0.5) * kBucketS - middle;
    sum += count;
    sum_time += time * count;
    sum_squares += time * time;
  }
  Line line;
  const double mean = sum / length;
  const double spread = (sum + 1) / length;  // jobs a second; one more, so that nothing seen is not certainty
  line.level_variance = spread / length;
  if (buckets > kShortest) {
    const double slope = sum_time / (sum_squares * kBucketS);
    line.slope_variance = spread / (sum_squares * kBucketS);
    // A slope that may be noise counts for less (James and Stein).
    line.slope = slope * std::max(0.0, 1 - 2 * line.slope_variance / std::max(1e-12, slope * slope));
  }
  line.level = mean + line.slope * length / 2;
  line.level_variance += line.slope != 0 ? line.slope_variance * length * length / 4 : 0;
  return line;
}

bool Forecast::explains(const Line& line, std::size_t buckets) const {
  double seen = 0;
  buckets = std::min(buckets, counts_.size());
  for (std::size_t i = 0; i < buckets; ++i) seen += counts_[counts_.size() - 1 - i];
  const double length = static_cast<double>(buckets) * kBucketS;
  const double expected = std::max(0.0, line.level - line.slope * length / 2) * length;
  return std::abs(seen - expected) <= kUnlikely * std::sqrt(std::max(seen, expected) + 1);
}

Rate Forecast::at(Millis ahead) const {
  if (line_looks_ < kStreamLooks) return {};
  const double ahead_s = std::chrono::duration<double>(ahead).count();
  return {std::max(0.0, line_.level + line_.slope * ahead_s),
          std::sqrt(line_.level_variance + (line_.slope != 0 ? line_.slope_variance * ahead_s * ahead_s : 0))};
}

}  // namespace facefleet::autoscaler
