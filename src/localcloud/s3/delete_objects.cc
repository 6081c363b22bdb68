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
  const Error malformed = s3_error(Code::kInvalidInput, "MalformedXML",
                                   "The XML you provided was not well-formed or did not validate against our "
                                   "published schema");
  const auto document = aws::XmlDocument::parse(body);
  if (!document || document->root().name() != "Delete") return malformed;
  Request request;
  request.quiet = document->root().text("Quiet") == "true";
  for (const aws::XmlElement& object : document->root().children("Object")) {
    request.keys.emplace_back(object.text("Key"));
    if (request.keys.back().empty()) return malformed;
  }
  if (request.keys.empty() || request.keys.size() > limits::kObjectListKeys) return malformed;
  return request;
}

}  // namespace

Task<Result<net::HttpResponse>> delete_objects(Call& call) {
  const auto upload = take_upload(call);
  if (!upload) co_return upload.error();
  const auto request = read_request(upload->body);
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
