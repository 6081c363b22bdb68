#include "aws/xml.h"
#include "base/limits.h"
#include "localcloud/s3/actions.h"
#include "localcloud/s3/upload.h"

namespace facefleet::localcloud::s3 {
namespace {

Result<std::vector<store::PartName>> read_parts(const Bytes& body) {
  const auto document = aws::XmlDocument::parse(body);
  if (!document || document->root().name() != "CompleteMultipartUpload") return malformed_xml();
  std::vector<store::PartName> parts;
  for (const aws::XmlElement& one : document->root().children("Part")) {
    const auto number = to_number(one.text("PartNumber"));
    std::string_view etag = one.text("ETag");
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
    if (!number || *number > limits::kUploadParts || parts.size() == limits::kUploadParts) return malformed_xml();
    parts.push_back({static_cast<std::uint32_t>(*number), std::string(etag)});
  }
  if (parts.empty()) return malformed_xml();
  return parts;
}

}  // namespace

Task<Result<net::HttpResponse>> complete_multipart_upload(Call& call) {
  auto conditions = read_put(call.http.headers);
  if (!conditions) co_return conditions.error();
  const auto document = co_await receive_document(call);
  if (!document) co_return document.error();
  auto parts = read_parts(*document);
  if (!parts) co_return parts.error();
  const auto done =
      co_await call.service.store.complete_upload(upload_name(call), std::move(*parts), std::move(*conditions));
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
