#include "sim/comparison.h"

#include <algorithm>

#include "sim/optimum.h"

namespace facefleet::sim {
namespace {

Result<Outcome> run(const Comparison& comparison, const std::string& policy, const Trace& trace,
                    const autoscaler::PolicyOptions& how) {
  auto made = autoscaler::make_policy(policy, how);
  if (!made) return made.error();
  Options options = comparison.options;
  options.workers_end_themselves = autoscaler::workers_end_themselves(policy);
  return simulate(trace, **made, options);
}

// Cheaper where both hold the wait; else the one that holds; else the one that loses and waits less.
bool is_better(const Row& a, const Row& b) {
  if (a.held != b.held) return a.held;
  if (a.held) return a.outcome.worker_seconds < b.outcome.worker_seconds;
  if (a.outcome.lost != b.outcome.lost) return a.outcome.lost < b.outcome.lost;
  return a.outcome.wait_p95_s < b.outcome.wait_p95_s;
}

Result<void> add_rows(const Comparison& comparison, const std::string& policy, const Trace& trace,
                      std::vector<Row>& rows) {
  autoscaler::PolicyOptions base;
  base.wait = comparison.wait;
  base.tick = std::chrono::round<Millis>(comparison.options.tick);
  std::vector<autoscaler::PolicyOptions> tries{base};
  if (comparison.tuned && policy != kOurs) tries = autoscaler::tunings(policy, base);

  std::optional<Row> best;
  for (std::size_t i = 0; i < tries.size(); ++i) {
    auto outcome = run(comparison, policy, trace, tries[i]);
    if (!outcome) return outcome.error();
    Row row;
    row.policy = policy;
    row.trace = trace.name;
    row.outcome = std::move(*outcome);
    row.held = holds(row.outcome, comparison.wait);
    row.optimum = optimum_of(trace, comparison.options, comparison.wait);
    if (i == 0) rows.push_back(row);
    row.tuned = true;
    row.tuning = tries[i].tuning;
    if (!best || is_better(row, *best)) best = std::move(row);
  }
  if (tries.size() > 1) rows.push_back(std::move(*best));
  return {};
}

}  // namespace

bool holds(const Outcome& outcome, Millis wait) {
  return outcome.lost == 0 && outcome.wait_p95_s <= static_cast<double>(wait.count()) / 1e3;
}

Result<std::vector<Row>> compare(const Comparison& comparison) {
  std::vector<Row> rows;
  for (const Trace& trace : comparison.traces) {
    for (const std::string& policy : comparison.policies) {
      const auto added = add_rows(comparison, policy, trace, rows);
      if (!added) return added.error();
    }
  }
  return rows;
}

}  // namespace facefleet::sim
