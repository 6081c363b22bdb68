#include "gateway/instruments.h"

#include <vector>

#include "gateway/routes.h"
#include "gateway/service.h"

namespace facefleet::gateway {
namespace {

constexpr std::size_t kStagesMax = 32;  // stages have few names; whatever a worker says, the series stay few

// From a known photo's repetition to a caller who waits for a fleet to start.
const std::vector<double>& second_bounds() {
  static const std::vector<double> kBounds{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300};
  return kBounds;
}

std::string name_of(const Route& route) { return std::string(route.method) + " " + std::string(route.path); }

}  // namespace

Instruments::Instruments() = default;

const Histogram& Instruments::seconds_of(const Route& route) {
  const auto found = seconds_.find(&route);
  if (found != seconds_.end()) return found->second;
  return seconds_
      .emplace(&route,
               metrics_.histogram("facefleet_http_request_seconds", "Time from a request's body to its response.",
                                  second_bounds(), {{"route", name_of(route)}}))
      .first->second;
}

void Instruments::answered_request(const Route& route, int status, double seconds) {
  auto found = requests_.find({&route, status});
  if (found == requests_.end())
    found = requests_
                .emplace(std::pair(&route, status),
                         metrics_.counter("facefleet_http_requests_total", "Requests that an endpoint answered.",
                                          {{"route", name_of(route)}, {"status", std::to_string(status)}}))
                .first;
  found->second.add();
  seconds_of(route).observe(seconds);
}

void Instruments::refused_request(const std::string& reason) {
  metrics_.counter("facefleet_http_refusals_total", "Requests refused by their header alone.", {{"reason", reason}})
      .add();
}

void Instruments::received_answer(const jobs::Outcome& outcome) {
  const char* result = !outcome.error_reason.empty()        ? "failed"
                       : outcome.label == jobs::kNoFace     ? "no_face"
                       : outcome.label == jobs::kUnknown    ? "unknown"
                       : outcome.kind == jobs::Kind::kEmbed ? "embedded"
                                                            : "named";
  metrics_.counter("facefleet_answers_total", "Answers of workers.", {{"result", result}}).add();
  for (const jobs::Stage& stage : outcome.stages) {
    auto found = stages_.find(stage.name);
    if (found == stages_.end()) {
      if (stages_.size() >= kStagesMax) continue;
      found = stages_
                  .emplace(stage.name, metrics_.histogram("facefleet_stage_seconds", "Time of one stage of a job.",
                                                          second_bounds(), {{"stage", stage.name}}))
                  .first;
    }
    found->second.observe(stage.ms / 1'000);
  }
}

std::string Instruments::expose(const SystemStatus* status, std::size_t callers_waiting) {
  metrics_.gauge("facefleet_callers_waiting", "Callers that wait for an answer.")
      .set(static_cast<double>(callers_waiting));
  if (!status) return metrics_.expose();
  const auto set_queue = [&](const char* queue, const queue::Counts& counts) {
    constexpr auto kHelp = "Messages of a queue.";
    const auto gauge = [&](const char* state) {
      return metrics_.gauge("facefleet_queue_messages", kHelp, {{"queue", queue}, {"state", state}});
    };
    gauge("visible").set(static_cast<double>(counts.visible));
    gauge("in_flight").set(static_cast<double>(counts.in_flight));
    gauge("delayed").set(static_cast<double>(counts.delayed));
  };
  set_queue("request", status->requests);
  set_queue("response", status->responses);
  set_queue("dead", status->dead);
  using fleet::InstanceState;
  for (const InstanceState state : {InstanceState::kPending, InstanceState::kRunning, InstanceState::kStopping,
                                    InstanceState::kShuttingDown, InstanceState::kStopped}) {
    double count = 0;
    for (const fleet::Instance& instance : status->instances) count += instance.state == state ? 1 : 0;
    metrics_.gauge("facefleet_instances", "Worker instances.", {{"state", std::string(fleet::to_string(state))}})
        .set(count);
  }
  return metrics_.expose();
}

}  // namespace facefleet::gateway
