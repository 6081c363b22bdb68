// GET /v1/status: what the page and `facefleet status` show. However many ask, queues and fleet are looked at four
// times a second at most.
#include "gateway/routes.h"

namespace facefleet::gateway {
namespace {

void write_counts(jobs::JsonWriter& out, std::string_view queue, const queue::Counts& counts) {
  out.key(queue).begin_object().key("visible").number(counts.visible).key("in_flight").number(counts.in_flight);
  out.key("delayed").number(counts.delayed).key("oldest_age_ms").number(counts.oldest_age.count()).end_object();
}

void write_instance(jobs::JsonWriter& out, const fleet::Instance& instance) {
  out.begin_object().key("id").text(instance.id).key("name").text(instance.name);
  out.key("state").plain_text(fleet::to_string(instance.state));
  out.key("worker").plain_text(fleet::to_string(instance.worker)).key("jobs_done").number(instance.jobs_done);
  out.key("launched_ms").number(instance.launched_ms).key("worker_since_ms").number(instance.worker_since_ms);
  out.key("state_reason").text(instance.state_reason).end_object();
}

}  // namespace

Task<Result<net::HttpResponse>> get_status(Call& call) {
  Service& service = call.service;
  auto looked = co_await service.system_status->get();
  if (!looked) co_return looked.error();
  const SystemStatus& status = **looked;
  jobs::JsonWriter out;
  out.begin_object().key("system").text(service.options.system_id).key("profile").text(service.options.profile);
  out.key("version").text(service.options.version).key("ready").boolean(service.ready);
  out.key("draining").boolean(service.draining).key("now_ms").number(service.parts.clock.wall_ms());
  out.key("queues").begin_object();
  write_counts(out, "request", status.requests);
  write_counts(out, "response", status.responses);
  write_counts(out, "dead", status.dead);
  out.end_object().key("callers_waiting").number(service.pending.size());
  out.key("answered").number(service.meter.total());
  out.key("answers_per_s").rounded(service.meter.per_second(), 1);
  out.key("service_ms").rounded(service.meter.service_ms(), 2);
  out.key("fleet").begin_object().key("cap").number(service.parts.fleet.cap()).key("instances").begin_array();
  for (const fleet::Instance& instance : status.instances) write_instance(out, instance);
  out.end_array().end_object().key("autoscaler").raw(status.autoscaler_json.empty() ? "null" : status.autoscaler_json);
  net::HttpResponse response = net::HttpResponse::json(200, out.end_object().take());
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

}  // namespace facefleet::gateway
