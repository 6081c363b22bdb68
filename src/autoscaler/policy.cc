#include "autoscaler/policy.h"

#include <algorithm>
#include <array>

#include "autoscaler/policies/aws_target_tracking.h"
#include "autoscaler/policies/backlog_per_worker.h"
#include "autoscaler/policies/default.h"
#include "autoscaler/policies/difference.h"
#include "autoscaler/policies/keda_sqs.h"
#include "autoscaler/policies/knative_kpa.h"
#include "autoscaler/policies/min_depth_20.h"
#include "autoscaler/policies/none.h"
#include "autoscaler/policies/queue_length_15.h"
#include "autoscaler/policies/spawn_self_terminate.h"
#include "autoscaler/policies/stable_then_min.h"

namespace facefleet::autoscaler {
namespace {

struct Row {
  std::string_view name;
  std::unique_ptr<Policy> (*make)(const PolicyOptions& options);
  std::vector<Tuning> (*grid)() = nullptr;  // none: it has nothing to tune
  bool workers_end_themselves = false;
  bool reads_responses = false;
};

// Every policy there is, by name.
constexpr std::array kPolicies{
    Row{kDefault, &make_default},
    Row{kBacklogPerWorker, &make_backlog_per_worker, &backlog_per_worker_grid},
    Row{kStableThenMin, &make_stable_then_min, &stable_then_min_grid, false, true},
    Row{kDifference, &make_difference, &difference_grid},
    Row{kSpawnSelfTerminate, &make_spawn_self_terminate, nullptr, true},
    Row{kQueueLength15, &make_queue_length_15, &queue_length_15_grid},
    Row{kMinDepth20, &make_min_depth_20},
    Row{kKedaSqs, &make_keda_sqs, &keda_sqs_grid},
    Row{kKnativeKpa, &make_knative_kpa, &knative_kpa_grid},
    Row{kAwsTargetTracking, &make_aws_target_tracking, &aws_target_tracking_grid},
    Row{kNone, &make_none},
};

const Row* find(std::string_view name) {
  const auto* const row = std::ranges::find(kPolicies, name, &Row::name);
  return row == kPolicies.end() ? nullptr : row;
}

}  // namespace

Result<std::unique_ptr<Policy>> make_policy(std::string_view name, const PolicyOptions& options) {
  if (!(options.jobs_per_worker > 0))
    return Error{Code::kInvalidInput, "jobs per worker must be more than 0", "jobs_per_worker"};
  if (const Row* row = find(name)) return row->make(options);
  std::string known;
  for (const Row& row : kPolicies) known += (known.empty() ? "" : ", ") + std::string(row.name);
  return Error{Code::kInvalidInput, "there is no scaling policy \"" + std::string(name) + "\"; there is: " + known,
               "policy"};
}

std::vector<std::string_view> policy_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kPolicies) names.push_back(row.name);
  return names;
}

std::vector<PolicyOptions> tunings(std::string_view name, const PolicyOptions& base) {
  std::vector<PolicyOptions> options{base};
  const Row* row = find(name);
  if (!row || !row->grid) return options;
  for (Tuning& point : row->grid()) {
    options.push_back(base);
    options.back().tuning = std::move(point);
  }
  return options;
}

bool workers_end_themselves(std::string_view name) {
  const Row* row = find(name);
  return row && row->workers_end_themselves;
}

bool reads_responses(std::string_view name) {
  const Row* row = find(name);
  return row && row->reads_responses;
}

}  // namespace facefleet::autoscaler
