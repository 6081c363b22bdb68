#include "localcloud/s3/copy_object.h"

#include "base/clock.h"
#include "base/limits.h"
#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {

Result<CopySource> read_copy_source(const Call& call) {
  std::string_view text = call.http.headers.get("x-amz-copy-source").value_or("");
  text = text.substr(0, text.find("?versionId="));
  std::string path = net::percent_decode(text);
  if (path.starts_with('/')) path.erase(0, 1);
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == path.size())
    return s3_error(Code::kInvalidInput, "InvalidArgument",
                    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  return CopySource{path.substr(0, slash), path.substr(slash + 1)};
}

Task<Result<store::Opened>> open_copy_source(Call& call, std::optional<store::Range> range) {
  const auto source = read_copy_source(call);
  if (!source) co_return source.error();
  auto opened = co_await call.service.store.open(source->bucket, source->key, range);
  if (!opened) co_return from_store(opened.error());
  const auto unchanged = check_conditions(call, opened->info, "x-amz-copy-source-");
  if (!unchanged) co_return unchanged.error();
  if (*unchanged) co_return from_store({Code::kConflict, "", ""});  // a copy has no 304
  co_return std::move(*opened);
}

Task<Result<std::unique_ptr<store::Draft>>> copy_to_draft(Call& call, store::Body& body) {
  auto draft = call.service.store.draft();
  for (;;) {
    const auto piece = co_await body.next();
    if (!piece) co_return from_store(piece.error());
    if (piece->empty()) co_return std::move(draft);
    const auto kept = co_await draft->append(*piece);
    if (!kept) co_return from_store(kept.error());
  }
}

Task<Result<net::HttpResponse>> copy_object(Call& call) {
  if (call.key.size() > limits::kObjectKeyBytes)
    co_return s3_error(Code::kInvalidInput, "KeyTooLongError", "Your key is too long");
  const bool replaces = call.http.headers.get("x-amz-metadata-directive") == "REPLACE";
  auto options = read_put(call.http.headers);
  if (!options) co_return options.error();
  const auto there = co_await check_bucket(call);
  if (!there) co_return there.error();
  const auto source = read_copy_source(call);
  if (source && !replaces && source->bucket == call.bucket && source->key == call.key)
    co_return s3_error(Code::kInvalidInput, "InvalidRequest",
                       "This copy request is illegal because it is trying to copy an object to itself without changing "
                       "the object's metadata, storage class, website redirect location or encryption attributes.");
  auto opened = co_await open_copy_source(call, std::nullopt);
  if (!opened) co_return opened.error();
  if (!replaces) {
    options->content_type = opened->info.content_type;
    options->metadata = opened->info.metadata;
  }
  auto draft = co_await copy_to_draft(call, *opened->body);
  if (!draft) co_return draft.error();
  const auto put = co_await call.service.store.put_draft(call.bucket, call.key, **draft, std::move(*options));
  if (!put) co_return from_store(put.error());
  std::string body;
  aws::XmlWriter xml(body);
  xml.declaration();
  xml.open("CopyObjectResult", kNamespace);
  xml.text("LastModified", iso8601(put->modified_ms));
  xml.text("ETag", "\"" + put->etag + "\"");
  xml.close("CopyObjectResult");
  co_return xml_response(std::move(body));
}

}  // namespace facefleet::localcloud::s3
