#include "gateway/readiness.h"

#include "base/limits.h"
#include "gateway/assets.h"
#include "gateway/intake.h"

namespace facefleet::gateway {
namespace {

constexpr std::string_view kMarker = "status/ready";  // holds what was ready: readiness_of()

Bytes readiness_of(const Service& service) {
  return service.options.version + " " + std::string(to_string(service.options.kind));
}

Task<bool> was_ready(Service& service) {
  auto marker = co_await service.parts.store.get(service.names.job_bucket, std::string(kMarker), std::nullopt);
  co_return marker && marker->body == readiness_of(service);
}

// One photo through the whole path; an error says what was missing.
Task<Result<void>> recognise_bundled(Service& service) {
  const Asset* picture = find_asset("readiness.jpg");
  if (!picture) co_return Error{Code::kInternal, "The bundled picture is missing.", ""};
  Entry entry;
  entry.job_id = make_id(service.parts.clock.wall_ms(), service.parts.random);
  entry.name = "readiness.jpg";
  entry.ticket = service.pending.expect(entry.job_id);
  Order order;
  order.kind = service.options.kind;
  order.matches_max = 1;
  Bytes bytes(picture->bytes);
  auto sent = co_await keep_and_send(service, order, entry.job_id, entry.name, std::move(bytes));
  if (!sent) co_return sent;
  auto answer = co_await wait_for(service, entry);
  service.retention->forget(jobs::photo_key(entry.job_id));
  service.retention->forget(jobs::outcome_key(entry.job_id));
  if (!answer) co_return answer.error();
  if (!(*answer)->error_reason.empty())
    co_return Error{Code::kUnavailable, (*answer)->error_message, (*answer)->error_reason};
  const bool classifies = order.kind == jobs::Kind::kClassify;
  if (classifies && (*answer)->classes.empty())
    co_return Error{Code::kUnavailable, "The bundled picture was not classified.", ""};
  if (!classifies && (*answer)->faces.empty())
    co_return Error{Code::kUnavailable, "No face was found in the bundled picture.", ""};
  co_return Result<void>();
}

}  // namespace

Task<> become_ready(std::shared_ptr<Service> service) {
  service->ready = co_await was_ready(*service);
  while (!service->ready) {
    auto recognised = co_await recognise_bundled(*service);
    if (!recognised) {
      service->parts.log.warn("not_ready", {{"why", recognised.error().message}});
      co_await sleep_for(Millis(limits::kReadinessRetryMs));
      continue;
    }
    service->ready = true;
    service->parts.log.info("ready");
    Bytes what = readiness_of(*service);
    store::Put put;
    auto kept = co_await service->parts.store.put(service->names.job_bucket, std::string(kMarker), std::move(what),
                                                  std::move(put));
    if (!kept) service->parts.log.warn("readiness_not_kept", {{"why", kept.error().message}});
  }
}

}  // namespace facefleet::gateway
