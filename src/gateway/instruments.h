// What Prometheus is told. Thread rule: base/task.h.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/metrics.h"
#include "jobs/job.h"

namespace facefleet::gateway {

struct Route;
struct SystemStatus;

class Instruments {
 public:
  Instruments();

  void answered_request(const Route& route, int status, double seconds);
  void refused_request(const std::string& reason);
  void received_answer(const jobs::Outcome& outcome);

  // All series as text, the gauges as `status` says; without it, as they were last.
  std::string expose(const SystemStatus* status, std::size_t callers_waiting);

 private:
  const Histogram& seconds_of(const Route& route);

  Metrics metrics_;
  std::map<std::pair<const Route*, int>, Counter> requests_;
  std::map<const Route*, Histogram> seconds_;
  std::map<std::string, Histogram, std::less<>> stages_;
};

}  // namespace facefleet::gateway
