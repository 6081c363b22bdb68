#include "base/limits.h"
#include "localcloud/s3/actions.h"
#include "localcloud/s3/upload.h"

namespace facefleet::localcloud::s3 {

Task<Result<net::HttpResponse>> put_object(Call& call) {
  if (call.key.size() > limits::kObjectKeyBytes)
    co_return s3_error(Code::kInvalidInput, "KeyTooLongError", "Your key is too long");
  auto options = read_put(call.http.headers);
  if (!options) co_return options.error();
  const auto there = co_await check_bucket(call);  // before a client that waits for it is told to send the body
  if (!there) co_return there.error();
  auto upload = co_await receive_upload(call);
  if (!upload) co_return upload.error();
  const auto put = co_await call.service.store.put_draft(call.bucket, call.key, *upload->draft, std::move(*options));
  if (!put) co_return from_store(put.error());
  net::HttpResponse response;
  response.headers.add("ETag", "\"" + put->etag + "\"");
  for (auto& [name, value] : upload->checksums) response.headers.add(std::move(name), std::move(value));
  co_return response;
}

}  // namespace facefleet::localcloud::s3
