#include "localcloud/s3/actions.h"
#include "localcloud/s3/documents.h"
#include "localcloud/s3/upload.h"

namespace facefleet::localcloud::s3 {
Task<Result<net::HttpResponse>> delete_objects(Call& call) {
  const auto document = co_await receive_document(call);
  if (!document) co_return document.error();
  const auto request = read_delete(*document);
  if (!request) co_return request.error();
  const auto removed = co_await call.service.store.remove(call.bucket, request->keys);
  if (!removed) co_return from_store(removed.error());

  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("DeleteResult", kNamespace);
  for (const std::string& key : request->keys) {
    if (request->quiet) break;
    xml.open("Deleted");
    xml.text("Key", key);
    xml.close("Deleted");
  }
  xml.close("DeleteResult");
  co_return xml_response(std::move(body));
}

}  // namespace facefleet::localcloud::s3
