// GET /v1/jobs/{id}: for callers that do not wait, and for those whose connection broke.
#include "gateway/replies.h"
#include "gateway/routes.h"

namespace facefleet::gateway {

Task<Result<net::HttpResponse>> get_job(Call& call) {
  Service& service = call.service;
  const std::string& id = call.captures.front();
  const Error unknown{Code::kNotFound, "There is no such job, or its outcome is no longer kept.", "no_such_job"};
  if (!is_id(id)) co_return unknown;
  auto stored = co_await service.parts.store.get(service.names.job_bucket, jobs::outcome_key(id), std::nullopt);
  jobs::JsonWriter out;
  if (stored) {
    const auto outcome = jobs::decode_outcome(stored->body);
    if (!outcome) co_return outcome.error();
    write_outcome(out, *outcome, std::nullopt);
    co_return net::HttpResponse::json(200, out.take());
  }
  if (stored.error().code != Code::kNotFound) co_return stored.error();
  if (!service.pending.contains(id)) {
    auto photo = co_await service.parts.store.head(service.names.job_bucket, jobs::photo_key(id));
    if (!photo) co_return photo.error().code == Code::kNotFound ? unknown : photo.error();
  }
  out.begin_object().key("job_id").plain_text(id).key("status").plain_text("queued").end_object();
  co_return net::HttpResponse::json(202, out.take());
}

}  // namespace facefleet::gateway
