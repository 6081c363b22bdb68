#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {
namespace {

// Nothing if the bucket is there.
Task<Result<void>> check_bucket(Call& call) {
  const auto there = co_await call.service.store.has_bucket(call.bucket);
  if (!there) co_return from_store(there.error());
  if (!*there) co_return from_store({Code::kNotFound, "", "no_such_bucket"});
  co_return Result<void>();
}

}  // namespace

Task<Result<net::HttpResponse>> head_bucket(Call& call) {
  const auto there = co_await check_bucket(call);
  if (!there) co_return there.error();
  net::HttpResponse response;
  response.headers.add("x-amz-bucket-region", call.service.region);
  co_return response;
}

Task<Result<net::HttpResponse>> get_bucket_location(Call& call) {
  const auto there = co_await check_bucket(call);
  if (!there) co_return there.error();
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("LocationConstraint", kNamespace);
  if (call.service.region != "us-east-1") body += call.service.region;  // S3 has no name for its first region
  xml.close("LocationConstraint");
  co_return xml_response(std::move(body));
}

}  // namespace facefleet::localcloud::s3
