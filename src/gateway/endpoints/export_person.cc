// GET /v1/galleries/{g}/persons/{p}/export: a person's templates, for the person.
#include "base/hash.h"
#include "gateway/routes.h"

namespace facefleet::gateway {

Task<Result<net::HttpResponse>> export_person(Call& call) {
  const std::string& gallery = call.captures[0];
  const std::string& person = call.captures[1];
  if (auto named = gallery::check_gallery_name(gallery); !named) co_return named.error();
  auto snapshot = co_await call.service.parts.galleries.snapshot(gallery, Millis(0));
  if (!snapshot) co_return snapshot.error();
  auto templates = co_await call.service.parts.galleries.templates(gallery, person);
  if (!templates) co_return templates.error();
  jobs::JsonWriter out;
  out.begin_object().key("gallery").text(gallery).key("person").text(person);
  out.key("model").text((*snapshot)->model()).key("templates").begin_array();
  for (const gallery::Template& one : *templates) {
    const BytesView embedding(reinterpret_cast<const char*>(one.embedding.data()),
                              one.embedding.size() * sizeof(float));
    out.begin_object().key("source").text(one.source).key("photo_sha256").text(one.photo_sha256);
    out.key("embedding_f32_base64").plain_text(base64(embedding));
    out.key("chip_png_base64").plain_text(base64(one.chip_png)).end_object();
  }
  co_return net::HttpResponse::json(200, out.end_array().end_object().take());
}

}  // namespace facefleet::gateway
