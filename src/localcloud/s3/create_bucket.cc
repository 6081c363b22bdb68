#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {

// A location constraint in the body is not looked at: all regions are this machine.
Task<Result<net::HttpResponse>> create_bucket(Call& call) {
  const auto created = co_await call.service.store.create_bucket(call.bucket);
  if (!created) {
    if (created.error().code == Code::kInvalidInput)
      co_return s3_error(Code::kInvalidInput, "InvalidBucketName", "The specified bucket is not valid.");
    co_return from_store(created.error());
  }
  net::HttpResponse response;
  response.headers.add("Location", "/" + call.bucket);
  co_return response;
}

}  // namespace facefleet::localcloud::s3
