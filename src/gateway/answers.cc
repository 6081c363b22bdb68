#include "gateway/answers.h"

#include "base/limits.h"

namespace facefleet::gateway {
namespace {

constexpr Millis kRetryPause{250};  // after a failed receive, so that a neighbour that restarts is not hammered
constexpr Millis kLease{5'000};     // handing over takes microseconds: what a gateway that died held comes back soon

void hand_over(Service& service, const queue::Message& message) {
  auto decoded = jobs::decode_outcome(message.body);
  if (!decoded) {
    service.parts.log.error("unreadable_answer", {{"message", message.id}, {"why", decoded.error().message}});
    return;
  }
  const auto outcome = std::make_shared<const jobs::Outcome>(std::move(*decoded));
  service.meter.answered(*outcome);
  service.instruments.received_answer(*outcome);
  if (!outcome->model.empty()) service.model = outcome->model;
  // An answer that nobody waits for is dropped: its outcome is stored, and GET /v1/jobs/{id} shows it.
  service.pending.deliver(outcome->job_id, Answer(outcome));
  service.retention->answered(*outcome);
}

Task<> remove_all(std::shared_ptr<Service> service, std::shared_ptr<queue::Queue> responses,
                  std::vector<std::string> receipts) {
  auto removed = co_await responses->remove_batch(std::move(receipts));
  for (const auto& one : removed)
    if (!one)
      service->parts.log.warn("answer_not_removed", {{"why", one.error().message}});  // it comes again, for nobody
}

}  // namespace

Task<> receive_answers(std::shared_ptr<Service> service) {
  for (;;) {
    queue::Receive request;
    request.max = limits::kQueueBatchEntries;
    request.wait = Millis(limits::kQueueWaitMs);
    request.lease = kLease;
    const auto responses = service->responses;
    auto messages = co_await responses->receive(std::move(request));
    if (!messages) {
      service->parts.log.warn("cannot_receive_answers", {{"why", messages.error().message}});
      const bool is_gone = messages.error().code == Code::kNotFound && service->options.own_response_queue;
      if (is_gone) {
        auto renewed = co_await renew_own_queue(service, responses);
        if (!renewed) service->parts.log.warn("no_response_queue", {{"why", renewed.error().message}});
      }
      co_await sleep_for(kRetryPause);
      continue;
    }
    service->presence.missing_since.reset();
    std::vector<std::string> receipts;
    for (const queue::Message& message : *messages) {
      hand_over(*service, message);
      receipts.push_back(message.receipt);
    }
    if (!receipts.empty()) service->tasks->spawn("remove_answers", remove_all(service, responses, std::move(receipts)));
  }
}

}  // namespace facefleet::gateway
