#include "base/limits.h"
#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {

Task<Result<net::HttpResponse>> create_multipart_upload(Call& call) {
  if (call.key.size() > limits::kObjectKeyBytes)
    co_return s3_error(Code::kInvalidInput, "KeyTooLongError", "Your key is too long");
  auto options = read_put(call.http.headers);
  if (!options) co_return options.error();
  const auto id = co_await call.service.store.begin_upload(call.bucket, call.key, std::move(*options));
  if (!id) co_return from_store(id.error());
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("InitiateMultipartUploadResult", kNamespace);
  xml.text("Bucket", call.bucket);
  xml.text("Key", call.key);
  xml.text("UploadId", *id);
  xml.close("InitiateMultipartUploadResult");
  co_return xml_response(std::move(body));
}

Task<Result<net::HttpResponse>> abort_multipart_upload(Call& call) {
  const auto aborted = co_await call.service.store.abort_upload(upload_name(call));
  if (!aborted) co_return from_store(aborted.error());
  co_return no_content();
}

}  // namespace facefleet::localcloud::s3
