// How fast jobs come, and how fast they will come: a straight line through the newest arrivals, as far back as one line
// explains them. A pure value.
#pragma once

#include <cstdint>
#include <deque>

#include "base/clock.h"

namespace facefleet::autoscaler {

struct Rate {
  double mean = 0;       // jobs a second
  double deviation = 0;  // of the estimate
};

class Forecast {
 public:
  // `count` jobs came since the last call.
  void add(MonoTime now, std::uint64_t count);

  // From the last add(). No rate where fewer than three looks saw jobs come: one burst is not a stream.
  Rate at(Millis ahead) const;

 private:
  struct Line {
    double level = 0;  // at the end of the newest bucket
    double slope = 0;
    double level_variance = 0, slope_variance = 0;
  };
  void fit();
  bool explains(const Line& line, std::size_t buckets) const;
  Line line_through(std::size_t buckets) const;

  MonoTime bucket_ends_{};
  std::deque<double> counts_;  // one a bucket, oldest first
  std::deque<int> looks_;      // those that saw jobs come, as counts_
  double open_ = 0;            // the bucket that is not full yet
  int open_looks_ = 0;
  Line line_;
  int line_looks_ = 0;
};

}  // namespace facefleet::autoscaler
