#include "localcloud/s3/documents.h"

#include <charconv>

#include "aws/xml.h"
#include "base/limits.h"

namespace facefleet::localcloud::s3 {

Error malformed_xml() {
  return {Code::kInvalidInput,
          "The XML you provided was not well-formed or did not validate against our published schema", "MalformedXML"};
}

Result<DeleteRequest> read_delete(std::string_view text) {
  const auto document = aws::XmlDocument::parse(text);
  if (!document || document->root().name() != "Delete") return malformed_xml();
  DeleteRequest request;
  request.quiet = document->root().text("Quiet") == "true";
  for (const aws::XmlElement& object : document->root().children("Object")) {
    request.keys.emplace_back(object.text("Key"));
    if (request.keys.back().empty() || request.keys.size() > limits::kObjectListKeys) return malformed_xml();
  }
  if (request.keys.empty()) return malformed_xml();
  return request;
}

Result<std::vector<std::pair<std::uint32_t, std::string>>> read_complete(std::string_view text) {
  const auto document = aws::XmlDocument::parse(text);
  if (!document || document->root().name() != "CompleteMultipartUpload") return malformed_xml();
  std::vector<std::pair<std::uint32_t, std::string>> parts;
  for (const aws::XmlElement& one : document->root().children("Part")) {
    const std::string_view digits = one.text("PartNumber");
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    std::string_view etag = one.text("ETag");
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
      return malformed_xml();
    if (number > limits::kUploadParts || parts.size() == limits::kUploadParts) return malformed_xml();
    parts.emplace_back(number, etag);
  }
  if (parts.empty()) return malformed_xml();
  return parts;
}

}  // namespace facefleet::localcloud::s3
