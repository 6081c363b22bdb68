#include "gateway/service.h"

#include <algorithm>

#include "base/limits.h"

namespace facefleet::gateway {
namespace {

constexpr Millis kConnectPoll{20};
constexpr Millis kLookInterval{250};  // at least, between two looks at queues and fleet

Task<Result<queue::Counts>> look_at_backlog(Service& service) {
  if (!service.is_connected()) co_return Error{Code::kUnavailable, "The queues are not open yet.", "starting"};
  co_return co_await service.requests->counts();
}

// Of all gateways together.
Task<Result<queue::Counts>> count_responses(Service& service) {
  const auto own = service.responses;
  auto sum = co_await own->counts();
  if (!sum) co_return sum.error();
  const auto others = service.presence.others;
  for (const auto& other : others) {
    const auto counts = co_await other->counts();
    if (!counts) continue;  // its gateway may have left since
    sum->visible += counts->visible;
    sum->in_flight += counts->in_flight;
    sum->delayed += counts->delayed;
    sum->oldest_age = std::max(sum->oldest_age, counts->oldest_age);
  }
  co_return sum;
}

Task<Result<SystemStatus>> look_at_system(Service& service) {
  if (!service.is_connected()) co_return Error{Code::kUnavailable, "The queues are not open yet.", "starting"};
  SystemStatus status;
  auto requests = co_await service.requests->counts();
  if (!requests) co_return requests.error();
  status.requests = *requests;
  auto responses = co_await count_responses(service);
  if (!responses) co_return responses.error();
  status.responses = *responses;
  auto dead = co_await service.dead->counts();
  if (!dead) co_return dead.error();
  status.dead = *dead;
  auto instances = co_await service.parts.fleet.list();
  // Where there is no fleet, or this gateway may not look at it, the workers are somebody else's to show.
  const bool may_pass =
      !instances && instances.error().code != Code::kDenied && instances.error().code != Code::kInvalidInput;
  if (may_pass) co_return instances.error();
  if (!instances && std::exchange(service.hidden_fleet, instances.error().message) != instances.error().message)
    service.parts.log.info("fleet_not_shown", {{"why", instances.error().message}});
  if (instances) status.instances = std::move(*instances);
  std::erase_if(status.instances,
                [](const fleet::Instance& instance) { return instance.state == fleet::InstanceState::kTerminated; });
  auto autoscaler =
      co_await service.parts.store.get(service.names.job_bucket, std::string(jobs::kAutoscalerStatusKey), std::nullopt);
  if (autoscaler) status.autoscaler_json = std::move(autoscaler->body);
  co_return status;
}

}  // namespace

void Meter::answered(const jobs::Outcome& outcome) {
  ++total_;
  Second& now = seconds_[static_cast<std::size_t>(second() % static_cast<std::int64_t>(seconds_.size()))];
  if (now.at != second()) now = {second(), 0};
  ++now.answers;
  double ms = 0;
  for (const jobs::Stage& stage : outcome.stages)
    if (stage.name != "queue") ms += stage.ms;
  if (ms > 0) service_ms_ = service_ms_ == 0 ? ms : 0.95 * service_ms_ + 0.05 * ms;
}

double Meter::per_second() const {
  std::uint64_t answers = 0;
  for (const Second& one : seconds_)
    if (one.at < second() && one.at >= second() - kWindowS) answers += one.answers;
  return static_cast<double>(answers) / static_cast<double>(kWindowS);
}

Service::Service(const Executor& service_executor, Options service_options, Parts service_parts)
    : executor(service_executor),
      options(std::move(service_options)),
      parts(std::move(service_parts)),
      names(options.names),
      keys(options.keys),
      had_keys(!keys.empty()),
      tasks(std::make_shared<Tasks>(executor, parts.log)),
      loops(std::make_shared<Tasks>(executor, parts.log)),
      pending(executor),
      meter(parts.clock),
      retention(std::make_shared<Retention>(executor, options, parts, tasks)),
      enrolment(std::make_shared<Enrolment>(executor, parts.galleries, tasks)),
      backlog(std::make_shared<Cached<queue::Counts>>(executor, parts.clock, tasks, kLookInterval,
                                                      [this] { return look_at_backlog(*this); })),
      system_status(std::make_shared<Cached<SystemStatus>>(executor, parts.clock, tasks, kLookInterval,
                                                           [this] { return look_at_system(*this); })) {}

// Not a coroutine, so that no co_await stands inside ?:.
Task<Result<std::shared_ptr<queue::Queue>>> Service::open_response_queue() {
  return options.own_response_queue ? open_own_queue(*this) : parts.queues.open(names.response_queue);
}

Task<Result<void>> Service::connect() {
  auto request_queue = co_await parts.queues.open(names.request_queue);
  if (!request_queue) co_return request_queue.error();
  auto dead_queue = co_await parts.queues.open(names.dead_queue);
  if (!dead_queue) co_return dead_queue.error();
  auto response_queue = co_await open_response_queue();
  if (!response_queue) co_return response_queue.error();
  requests = std::move(*request_queue);
  responses = std::move(*response_queue);
  dead = std::move(*dead_queue);
  co_return Result<void>();
}

Task<Result<void>> Service::connected() {
  const MonoTime deadline = parts.clock.now() + Millis(limits::kConnectMs);
  while (!is_connected()) {
    if (draining || parts.clock.now() >= deadline)
      co_return Error{Code::kUnavailable, "The service is starting; try again in a moment.", "not_serving"};
    co_await sleep_for(kConnectPoll);
  }
  co_return Result<void>();
}

}  // namespace facefleet::gateway
