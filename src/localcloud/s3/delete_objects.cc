#include "aws/xml.h"
#include "base/limits.h"
#include "localcloud/s3/actions.h"
#include "localcloud/s3/upload.h"

namespace facefleet::localcloud::s3 {
namespace {

struct Request {
  std::vector<std::string> keys;
  bool quiet = false;
};

Result<Request> read_request(const Bytes& body) {
  const auto document = aws::XmlDocument::parse(body);
  if (!document || document->root().name() != "Delete") return malformed_xml();
  Request request;
  request.quiet = document->root().text("Quiet") == "true";
  for (const aws::XmlElement& object : document->root().children("Object")) {
    request.keys.emplace_back(object.text("Key"));
    if (request.keys.back().empty()) return malformed_xml();
  }
  if (request.keys.empty() || request.keys.size() > limits::kObjectListKeys) return malformed_xml();
  return request;
}

}  // namespace

Task<Result<net::HttpResponse>> delete_objects(Call& call) {
  const auto document = co_await receive_document(call);
  if (!document) co_return document.error();
  const auto request = read_request(*document);
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
