#include "base/clock.h"
#include "base/limits.h"
#include "localcloud/s3/actions.h"
#include "localcloud/s3/copy_object.h"
#include "localcloud/s3/upload.h"

namespace facefleet::localcloud::s3 {
namespace {

Result<std::uint32_t> part_number(const Call& call) {
  const auto number = to_number(call.parameter("partNumber").value_or(""));
  if (number && *number >= 1 && *number <= limits::kUploadParts) return static_cast<std::uint32_t>(*number);
  return s3_error(Code::kInvalidInput, "InvalidArgument",
                  "Part number must be an integer between 1 and 10000, inclusive");
}

}  // namespace

Task<Result<net::HttpResponse>> upload_part(Call& call) {
  const auto number = part_number(call);
  if (!number) co_return number.error();
  // Before a client that waits for it is told to send the body.
  const auto known = co_await call.service.store.list_parts(upload_name(call));
  if (!known) co_return from_store(known.error());
  auto upload = co_await receive_upload(call);
  if (!upload) co_return upload.error();
  const auto part = co_await call.service.store.put_part(upload_name(call), *number, *upload->draft);
  if (!part) co_return from_store(part.error());
  net::HttpResponse response;
  response.headers.add("ETag", "\"" + part->etag + "\"");
  for (auto& [name, value] : upload->checksums) response.headers.add(std::move(name), std::move(value));
  co_return response;
}

Task<Result<net::HttpResponse>> upload_part_copy(Call& call) {
  const auto number = part_number(call);
  if (!number) co_return number.error();
  std::optional<store::Range> range;
  if (const auto header = call.http.headers.get("x-amz-copy-source-range")) {
    const auto asked = read_range(header);
    if (!asked || !asked->first || !asked->last)
      co_return s3_error(Code::kInvalidInput, "InvalidArgument",
                         "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last "
                         "are the zero-based offsets of the first and last bytes to copy");
    range = store::Range{*asked->first, *asked->last};
  }
  auto opened = co_await open_copy_source(call, range);
  if (!opened) co_return opened.error();
  auto draft = co_await copy_to_draft(call, *opened->body);
  if (!draft) co_return draft.error();
  const auto part = co_await call.service.store.put_part(upload_name(call), *number, **draft);
  if (!part) co_return from_store(part.error());
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("CopyPartResult", kNamespace);
  xml.text("LastModified", iso8601(part->modified_ms));
  xml.text("ETag", "\"" + part->etag + "\"");
  xml.close("CopyPartResult");
  co_return xml_response(std::move(body));
}

}  // namespace facefleet::localcloud::s3
