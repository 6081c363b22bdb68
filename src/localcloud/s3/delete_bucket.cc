#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {

Task<Result<net::HttpResponse>> delete_bucket(Call& call) {
  const auto there = co_await call.service.store.has_bucket(call.bucket);
  if (!there) co_return from_store(there.error());
  if (!*there) co_return from_store({Code::kNotFound, "", "no_such_bucket"});
  const auto removed = co_await call.service.store.remove_bucket(call.bucket);
  if (removed) co_return no_content();
  if (removed.error().code == Code::kConflict)
    co_return s3_error(Code::kConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty");
  co_return from_store(removed.error());
}

}  // namespace facefleet::localcloud::s3
