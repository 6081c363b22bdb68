#include "base/limits.h"
#include "localcloud/s3/actions.h"
#include "localcloud/s3/upload.h"

namespace facefleet::localcloud::s3 {
namespace {

constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

Result<store::Put> read_options(const net::Headers& headers) {
  store::Put options;
  options.content_type = headers.get("content-type").value_or("binary/octet-stream");
  for (const auto& [name, value] : headers.all()) {
    std::string lower = aws::lower_case(name);
    if (lower.starts_with(kMetadataPrefix)) options.metadata[lower.substr(kMetadataPrefix.size())] = value;
  }
  if (const auto if_none_match = headers.get("if-none-match")) {
    if (*if_none_match != "*")
      return s3_error(Code::kInvalidInput, "NotImplemented", "If-None-Match of an upload may only be *.");
    options.if_absent = true;
  }
  if (auto etag = headers.get("if-match")) {
    if (etag->size() >= 2 && etag->front() == '"') *etag = etag->substr(1, etag->size() - 2);
    options.if_etag = std::string(*etag);
  }
  return options;
}

}  // namespace

Task<Result<net::HttpResponse>> put_object(Call& call) {
  if (call.key.size() > limits::kObjectKeyBytes)
    co_return s3_error(Code::kInvalidInput, "KeyTooLongError", "Your key is too long");
  auto options = read_options(call.http.headers);
  if (!options) co_return options.error();
  auto upload = take_upload(call);
  if (!upload) co_return upload.error();
  const auto put = co_await call.service.store.put(call.bucket, call.key, std::move(upload->body), std::move(*options));
  if (!put) co_return from_store(put.error());
  net::HttpResponse response;
  response.headers.add("ETag", "\"" + put->etag + "\"");
  for (auto& [name, value] : upload->checksums) response.headers.add(std::move(name), std::move(value));
  co_return response;
}

}  // namespace facefleet::localcloud::s3
