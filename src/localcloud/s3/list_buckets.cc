#include "base/clock.h"
#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {

Task<Result<net::HttpResponse>> list_buckets(Call& call) {
  const auto buckets = co_await call.service.store.list_buckets();
  if (!buckets) co_return from_store(buckets.error());
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("ListAllMyBucketsResult", kNamespace);
  xml.open("Owner");
  xml.text("ID", call.service.account);
  xml.close("Owner");
  xml.open("Buckets");
  for (const store::Bucket& bucket : *buckets) {
    xml.open("Bucket");
    xml.text("Name", bucket.name);
    xml.text("CreationDate", iso8601(bucket.created_ms));
    xml.close("Bucket");
  }
  xml.close("Buckets");
  xml.close("ListAllMyBucketsResult");
  co_return xml_response(std::move(body));
}

}  // namespace facefleet::localcloud::s3
