#include "localcloud/s3/actions.h"
#include "net/body.h"

namespace facefleet::localcloud::s3 {
namespace {

// An object's bytes on their way out, read as the client takes them.
class Outgoing final : public net::BodyPieces {
 public:
  explicit Outgoing(std::unique_ptr<store::Body> body) : body_(std::move(body)) {}
  Task<Result<BytesView>> next() override { return body_->next(); }

 private:
  const std::unique_ptr<store::Body> body_;
};

Result<store::Range> to_range(const AskedRange& asked, std::uint64_t size) {
  store::Range range;
  if (asked.first) {
    range.first = *asked.first;
    if (asked.last) range.last = *asked.last;
  } else {
    if (*asked.last == 0) return from_store({Code::kInvalidInput, "", "invalid_range"});
    range.first = size - std::min(size, *asked.last);
  }
  return range;
}

}  // namespace

Task<Result<net::HttpResponse>> get_object(Call& call) {
  store::LocalStore& store = call.service.store;
  const auto asked = read_range(call.http.headers.get("range"));
  std::optional<store::Range> range;
  // What is known only of the object there is looked at first; the common case, a whole object, is one step.
  if (has_conditions(call) || (asked && !asked->first)) {
    const auto info = co_await store.head(call.bucket, call.key);
    if (!info) co_return from_store(info.error());
    auto answer = check_conditions(call, *info);
    if (!answer) co_return answer.error();
    if (*answer) co_return std::move(**answer);
    if (asked) {
      const auto exact = to_range(*asked, info->size);
      if (!exact) co_return exact.error();
      range = *exact;
    }
  } else if (asked) {
    range = *to_range(*asked, 0);
  }
  auto opened = co_await store.open(call.bucket, call.key, range);
  if (!opened) co_return from_store(opened.error());
  net::HttpResponse response;
  add_object_headers(call, response, opened->info);
  if (range) {
    response.status = 206;
    response.headers.add("Content-Range", "bytes " + std::to_string(opened->first) + "-" +
                                              std::to_string(opened->first + opened->size - 1) + "/" +
                                              std::to_string(opened->info.size));
  }
  response.pieces = std::make_shared<Outgoing>(std::move(opened->body));
  response.pieces_bytes = opened->size;
  co_return response;
}

Task<Result<net::HttpResponse>> head_object(Call& call) {
  const auto info = co_await call.service.store.head(call.bucket, call.key);
  if (!info) co_return from_store(info.error());
  auto answer = check_conditions(call, *info);
  if (!answer) co_return answer.error();
  if (*answer) co_return std::move(**answer);
  net::HttpResponse response;
  add_object_headers(call, response, *info);
  response.headers.add("Content-Length", std::to_string(info->size));
  co_return response;
}

}  // namespace facefleet::localcloud::s3
