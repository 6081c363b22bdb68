// GET /metrics
#include "gateway/routes.h"

namespace facefleet::gateway {

Task<Result<net::HttpResponse>> get_metrics(Call& call) {
  Service& service = call.service;
  auto status = co_await service.system_status->get();  // a scrape while the queues are away still shows the rest
  net::HttpResponse response;
  response.body = service.instruments.expose(status ? status->get() : nullptr, service.pending.size());
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  co_return response;
}

}  // namespace facefleet::gateway
