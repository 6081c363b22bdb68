#include "localcloud/s3/actions.h"
#include "localcloud/s3/documents.h"
#include "localcloud/s3/upload.h"

namespace facefleet::localcloud::s3 {
Task<Result<net::HttpResponse>> complete_multipart_upload(Call& call) {
  auto conditions = read_put(call.http.headers);
  if (!conditions) co_return conditions.error();
  const auto document = co_await receive_document(call);
  if (!document) co_return document.error();
  const auto named = read_complete(*document);
  if (!named) co_return named.error();
  std::vector<store::PartName> parts;
  for (const auto& [number, etag] : *named) parts.push_back({number, etag});
  const auto done =
      co_await call.service.store.complete_upload(upload_name(call), std::move(parts), std::move(*conditions));
  if (!done) co_return from_store(done.error());
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("CompleteMultipartUploadResult", kNamespace);
  xml.text("Location", "http://" + std::string(call.http.headers.get("host").value_or("")) + "/" + call.bucket + "/" +
                           net::percent_encode(call.key, /*keep_slash=*/true));
  xml.text("Bucket", call.bucket);
  xml.text("Key", call.key);
  xml.text("ETag", "\"" + done->etag + "\"");
  xml.close("CompleteMultipartUploadResult");
  co_return xml_response(std::move(body));
}

}  // namespace facefleet::localcloud::s3
