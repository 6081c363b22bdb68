// GET /v1/models
#include "gateway/routes.h"

namespace facefleet::gateway {

Task<Result<net::HttpResponse>> get_models(Call& call) {
  jobs::JsonWriter out;
  out.begin_object().key("models").begin_array();
  for (const ModelCard& card : call.service.options.models) {
    out.begin_object().key("name").text(card.name).key("role").text(card.role).key("version").text(card.version);
    out.key("licence").text(card.licence).key("source").text(card.source).key("note").text(card.note).end_object();
  }
  co_return net::HttpResponse::json(200, out.end_array().end_object().take());
}

}  // namespace facefleet::gateway
