// GET /v1/galleries
#include "gateway/routes.h"

namespace facefleet::gateway {
namespace {

constexpr Millis kMaxAge{1'000};

}  // namespace

Task<Result<net::HttpResponse>> list_galleries(Call& call) {
  gallery::Galleries& galleries = call.service.parts.galleries;
  auto names = co_await galleries.list();
  if (!names) co_return names.error();
  jobs::JsonWriter out;
  out.begin_object().key("galleries").begin_array();
  for (const std::string& name : *names) {
    auto snapshot = co_await galleries.snapshot(name, kMaxAge);
    if (!snapshot) co_return snapshot.error();
    out.begin_object().key("gallery").text(name).key("version").number((*snapshot)->version());
    out.key("model").text((*snapshot)->model()).key("persons").number((*snapshot)->persons().size());
    out.key("templates").number((*snapshot)->size()).end_object();
  }
  co_return net::HttpResponse::json(200, out.end_array().end_object().take());
}

}  // namespace facefleet::gateway
