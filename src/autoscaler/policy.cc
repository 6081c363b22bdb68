#include "autoscaler/policy.h"

#include <array>

#include "autoscaler/policies/backlog_per_worker.h"

namespace facefleet::autoscaler {
namespace {

struct Row {
  std::string_view name;
  std::unique_ptr<Policy> (*make)(const PolicyOptions& options);
};

// Every policy there is, by name.
constexpr std::array kPolicies{
    Row{kBacklogPerWorker, &make_backlog_per_worker},
};

}  // namespace

Result<std::unique_ptr<Policy>> make_policy(std::string_view name, const PolicyOptions& options) {
  if (!(options.jobs_per_worker > 0))
    return Error{Code::kInvalidInput, "jobs per worker must be more than 0", "jobs_per_worker"};
  std::string known;
  for (const Row& row : kPolicies) {
    if (row.name == name) return row.make(options);
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return Error{Code::kInvalidInput, "there is no scaling policy \"" + std::string(name) + "\"; there is: " + known,
               "policy"};
}

std::vector<std::string_view> policy_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kPolicies) names.push_back(row.name);
  return names;
}

}  // namespace facefleet::autoscaler
