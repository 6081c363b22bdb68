// What several policies share: the answers that are the same for all, and how a rival's constants are given and varied.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

// Pending and running workers, as a target counts them.
inline std::uint32_t current_of(const Observation& seen) { return seen.pending + seen.running; }

inline Decision hold(const Observation& seen) {
  return {std::min(current_of(seen), seen.cap), "hold: the queue or the fleet cannot be read"};
}

// ceil(amount), 0 to cap.
inline std::uint32_t capped(double amount, std::uint32_t cap) {
  return static_cast<std::uint32_t>(std::clamp(std::ceil(amount), 0.0, static_cast<double>(cap)));
}

// How many workers have been idle for `hold`.
inline std::uint32_t rested(const Observation& seen, Millis hold) {
  return static_cast<std::uint32_t>(std::ranges::count_if(seen.idle_for, [hold](Millis idle) { return idle >= hold; }));
}

inline Millis seconds(double count) { return Millis(std::llround(count * 1'000)); }

inline double tuned(const PolicyOptions& options, std::string_view name, double otherwise) {
  const auto found = options.tuning.find(name);
  return found == options.tuning.end() ? otherwise : found->second;
}

// Every combination of the axes' values.
struct Axis {
  std::string_view name;
  std::vector<double> values;
};
inline std::vector<Tuning> combine(std::initializer_list<Axis> axes) {
  std::vector<Tuning> grid(1);
  for (const Axis& axis : axes) {
    std::vector<Tuning> wider;
    for (const Tuning& point : grid) {
      for (const double value : axis.values) {
        wider.push_back(point);
        wider.back()[std::string(axis.name)] = value;
      }
    }
    grid = std::move(wider);
  }
  return grid;
}

}  // namespace facefleet::autoscaler
