#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {
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
