// What a comparison tells, for people and for scripts.
#pragma once

#include <span>
#include <string>

#include "sim/comparison.h"

namespace facefleet::sim {

// What the trace is, for people.
std::string describe(const Trace& trace);

// The trace's rows: those that hold the wait first, each group by cost.
std::vector<const Row*> by_cost(std::span<const Row> rows, std::string_view trace);

// A table a trace, its rows by_cost.
std::string to_text(const Comparison& comparison, std::span<const Row> rows);

// A JSON array of objects, one a row: policy, trace, tuned, tuning, start_s, service_s, cap, wait_s, seed, jobs,
// worker_seconds, wait_p50_s, wait_p95_s, wait_max_s, held, lost, dead, peak, launches, changes (of direction), optimum
// (worker-seconds; null where unknown), optimum_ratio.
std::string to_json(const Comparison& comparison, std::span<const Row> rows);

// One HTML file that needs no other: charts of arrivals, queue and workers, and the tables. The rows need timelines.
std::string to_html(const Comparison& comparison, std::span<const Row> rows);

}  // namespace facefleet::sim
