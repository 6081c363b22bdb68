// Enough workers that each has at most `jobs_per_worker` jobs to do. Grows at once, because a person is waiting;
// only workers that have been idle for `idle_hold` leave, because a worker costs more to start than to keep.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kBacklogPerWorker = "backlog-per-worker";

std::unique_ptr<Policy> make_backlog_per_worker(const PolicyOptions& options);
std::vector<Tuning> backlog_per_worker_grid();

}  // namespace facefleet::autoscaler
