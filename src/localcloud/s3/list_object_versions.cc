#include <algorithm>

#include "base/clock.h"
#include "base/limits.h"
#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {

// What S3 says of a bucket that was never versioned: each object is the one version of itself, `null`.
Task<Result<net::HttpResponse>> list_object_versions(Call& call) {
  const auto max_keys = call.parameter("max-keys");
  const auto most = max_keys ? to_number(*max_keys) : std::optional<std::uint64_t>(limits::kObjectListKeys);
  if (!most)
    co_return s3_error(Code::kInvalidInput, "InvalidArgument", "Provided max-keys not an integer or within range");
  store::List query;
  query.prefix = call.parameter("prefix").value_or("");
  query.delimiter = call.parameter("delimiter").value_or("");
  query.start_after = call.parameter("key-marker").value_or("");
  query.max = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(*most, 1, limits::kObjectListKeys));
  const bool encoded = call.parameter("encoding-type") == "url";
  const auto name = [encoded](std::string_view text) {
    return encoded ? net::percent_encode(text, /*keep_slash=*/true) : std::string(text);
  };
  const auto listing = co_await call.service.store.list(call.bucket, query);
  if (!listing) co_return from_store(listing.error());
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("ListVersionsResult", kNamespace);
  xml.text("Name", call.bucket);
  xml.text("Prefix", name(query.prefix));
  xml.text("KeyMarker", name(query.start_after));
  xml.text("VersionIdMarker", "");
  if (listing->truncated) {
    xml.text("NextKeyMarker", name(listing->next_start_after));
    xml.text("NextVersionIdMarker", "null");
  }
  xml.number("MaxKeys", query.max);
  if (!query.delimiter.empty()) xml.text("Delimiter", name(query.delimiter));
  if (encoded) xml.text("EncodingType", "url");
  xml.boolean("IsTruncated", listing->truncated);
  for (const store::ObjectInfo& info : listing->objects) {
    xml.open("Version");
    xml.text("Key", name(info.key));
    xml.text("VersionId", "null");
    xml.boolean("IsLatest", true);
    xml.text("LastModified", iso8601(info.modified_ms));
    xml.text("ETag", "\"" + info.etag + "\"");
    xml.number("Size", static_cast<std::int64_t>(info.size));
    xml.open("Owner");
    xml.text("ID", call.service.account);
    xml.close("Owner");
    xml.text("StorageClass", "STANDARD");
    xml.close("Version");
  }
  for (const std::string& prefix : listing->prefixes) {
    xml.open("CommonPrefixes");
    xml.text("Prefix", name(prefix));
    xml.close("CommonPrefixes");
  }
  xml.close("ListVersionsResult");
  co_return xml_response(std::move(body));
}

}  // namespace facefleet::localcloud::s3
