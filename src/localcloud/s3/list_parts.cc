#include <algorithm>

#include "base/clock.h"
#include "base/limits.h"
#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {
namespace {

// A number among the call's parameters, at most `most`, which is also what its absence means; InvalidArgument.
Result<std::uint64_t> number_of(const Call& call, std::string_view name, std::uint64_t absent, std::uint64_t most) {
  const auto text = call.parameter(name);
  if (!text || text->empty()) return absent;
  const auto number = to_number(*text);
  if (!number)
    return s3_error(Code::kInvalidInput, "InvalidArgument",
                    "Provided " + std::string(name) + " not an integer or within integer range");
  return std::min(*number, most);
}

void write_owner(aws::XmlWriter& xml, const Call& call) {
  for (const char* element : {"Initiator", "Owner"}) {
    xml.open(element);
    xml.text("ID", call.service.account);
    xml.close(element);
  }
  xml.text("StorageClass", "STANDARD");
}

}  // namespace

Task<Result<net::HttpResponse>> list_parts(Call& call) {
  const auto most = number_of(call, "max-parts", limits::kObjectListKeys, limits::kObjectListKeys);
  if (!most) co_return most.error();
  const auto after = number_of(call, "part-number-marker", 0, limits::kUploadParts);
  if (!after) co_return after.error();
  const auto parts = co_await call.service.store.list_parts(upload_name(call));
  if (!parts) co_return from_store(parts.error());
  const auto first = std::ranges::upper_bound(*parts, *after, {}, &store::Part::number);
  const auto left = static_cast<std::uint64_t>(parts->end() - first);
  const auto last = first + static_cast<std::ptrdiff_t>(std::min(*most, left));
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("ListPartsResult", kNamespace);
  xml.text("Bucket", call.bucket);
  xml.text("Key", call.key);
  xml.text("UploadId", *call.parameter("uploadId"));
  xml.number("PartNumberMarker", static_cast<std::int64_t>(*after));
  if (last != first) xml.number("NextPartNumberMarker", std::prev(last)->number);
  xml.number("MaxParts", static_cast<std::int64_t>(*most));
  xml.boolean("IsTruncated", last != parts->end());
  for (auto part = first; part != last; ++part) {
    xml.open("Part");
    xml.number("PartNumber", part->number);
    xml.text("LastModified", iso8601(part->modified_ms));
    xml.text("ETag", "\"" + part->etag + "\"");
    xml.number("Size", static_cast<std::int64_t>(part->size));
    xml.close("Part");
  }
  write_owner(xml, call);
  xml.close("ListPartsResult");
  co_return xml_response(std::move(body));
}

Task<Result<net::HttpResponse>> list_multipart_uploads(Call& call) {
  const auto most = number_of(call, "max-uploads", limits::kObjectListKeys, limits::kObjectListKeys);
  if (!most) co_return most.error();
  if (!call.parameter("delimiter").value_or("").empty())
    co_return s3_error(Code::kInvalidInput, "NotImplemented", "Uploads are not rolled up by a delimiter here.");
  const std::string prefix(call.parameter("prefix").value_or(""));
  const std::pair<std::string_view, std::string_view> marker{call.parameter("key-marker").value_or(""),
                                                             call.parameter("upload-id-marker").value_or("")};
  auto uploads = co_await call.service.store.list_uploads(call.bucket);
  if (!uploads) co_return from_store(uploads.error());
  // The marker names the last of an earlier page; uploads of one key are told apart by their id only there.
  bool passed = marker.first.empty();
  std::erase_if(*uploads, [&](const store::OpenUpload& upload) {
    if (!upload.key.starts_with(prefix)) return true;
    if (passed) return false;
    if (upload.key > marker.first) return false;
    passed = upload.key == marker.first && upload.id == marker.second;
    return true;
  });
  const bool truncated = uploads->size() > *most;
  if (truncated) uploads->resize(*most);
  const bool encoded = call.parameter("encoding-type") == "url";
  const auto name = [encoded](std::string_view text) {
    return encoded ? net::percent_encode(text, /*keep_slash=*/true) : std::string(text);
  };
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("ListMultipartUploadsResult", kNamespace);
  xml.text("Bucket", call.bucket);
  xml.text("KeyMarker", name(marker.first));
  xml.text("UploadIdMarker", marker.second);
  if (truncated && !uploads->empty()) {
    xml.text("NextKeyMarker", name(uploads->back().key));
    xml.text("NextUploadIdMarker", uploads->back().id);
  }
  xml.text("Prefix", name(prefix));
  if (encoded) xml.text("EncodingType", "url");
  xml.number("MaxUploads", static_cast<std::int64_t>(*most));
  xml.boolean("IsTruncated", truncated);
  for (const store::OpenUpload& upload : *uploads) {
    xml.open("Upload");
    xml.text("Key", name(upload.key));
    xml.text("UploadId", upload.id);
    write_owner(xml, call);
    xml.text("Initiated", iso8601(upload.created_ms));
    xml.close("Upload");
  }
  xml.close("ListMultipartUploadsResult");
  co_return xml_response(std::move(body));
}

}  // namespace facefleet::localcloud::s3
