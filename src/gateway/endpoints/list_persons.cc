// GET /v1/galleries/{g}/persons
#include "gateway/routes.h"

namespace facefleet::gateway {

Task<Result<net::HttpResponse>> list_persons(Call& call) {
  const std::string& name = call.captures.front();
  if (auto named = gallery::check_gallery_name(name); !named) co_return named.error();
  auto snapshot = co_await call.service.parts.galleries.snapshot(name, Millis(0));
  if (!snapshot) co_return snapshot.error();
  jobs::JsonWriter out;
  out.begin_object().key("gallery").text(name).key("version").number((*snapshot)->version());
  out.key("model").text((*snapshot)->model()).key("persons").begin_array();
  for (const gallery::PersonInfo& info : (*snapshot)->persons())
    out.begin_object().key("person").text(info.person).key("templates").number(info.templates).end_object();
  co_return net::HttpResponse::json(200, out.end_array().end_object().take());
}

}  // namespace facefleet::gateway
