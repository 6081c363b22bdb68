// GET /healthz and GET /readyz: for supervisors and load balancers.
#include "gateway/routes.h"

namespace facefleet::gateway {

// The I/O thread runs, or this would not be answered.
Task<Result<net::HttpResponse>> get_healthz(Call&) { co_return net::HttpResponse::text(200, "ok\n"); }

Task<Result<net::HttpResponse>> get_readyz(Call& call) {
  if (call.service.draining) co_return net::HttpResponse::text(503, "ending\n");
  if (!call.service.ready) co_return net::HttpResponse::text(503, "no worker has recognised the bundled picture yet\n");
  co_return net::HttpResponse::text(200, "ready\n");
}

}  // namespace facefleet::gateway
