// What a run of the load generator is worth telling, for people and for scripts.
#pragma once

#include <string>
#include <vector>

#include "load/load.h"

namespace facefleet::load {

// The p-th percentile by the nearest rank (the smallest value that p % of all do not exceed); 0 of none.
double percentile(std::vector<double> values, double p);

// A few lines for a terminal. `cpu_s`: processor seconds of the load generator itself.
std::string to_text(const Outcome& outcome, double cpu_s);

// One JSON object: requests, answered, right, wrong, failed, unchecked, seconds, requests_per_s, p50_ms, p95_ms,
// p99_ms, upload_s, first_answer_s, last_answer_s, cpu_s.
std::string to_json(const Outcome& outcome, double cpu_s);

}  // namespace facefleet::load
