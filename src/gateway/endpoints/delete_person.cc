// DELETE /v1/galleries/{g}/persons/{p}
#include "base/limits.h"
#include "gateway/erasure.h"
#include "gateway/routes.h"

namespace facefleet::gateway {

Task<Result<net::HttpResponse>> delete_person(Call& call) {
  const std::string& gallery = call.captures[0];
  const std::string& person = call.captures[1];
  if (auto named = gallery::check_gallery_name(gallery); !named) co_return named.error();
  // What has begun is brought to its end though the client may leave: half a deletion would help nobody.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  // The templates first: what is recognised from now on names the person no more.
  auto removed = co_await call.service.parts.galleries.remove_person(gallery, person);
  if (!removed && removed.error().code != Code::kNotFound) co_return removed.error();
  // Also where it is gone already: an earlier try may have removed it just now, and died before it looked.
  co_await sleep_for(Millis(limits::kErasureGraceMs));
  auto erased = co_await erase_outcomes(call.service, gallery, person);
  if (!erased) co_return erased.error();
  if (!removed && *erased == 0) co_return removed.error();
  jobs::JsonWriter out;
  out.begin_object().key("gallery").text(gallery).key("person").text(person);
  out.key("version").number(removed ? removed->version : 0).key("outcomes_deleted").number(*erased).end_object();
  co_return net::HttpResponse::json(200, out.take());
}

}  // namespace facefleet::gateway
