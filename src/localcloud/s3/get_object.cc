#include <charconv>

#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {
namespace {

struct Asked {
  std::optional<std::uint64_t> first;  // nothing: the last `last` bytes
  std::optional<std::uint64_t> last;
};

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// One range of bytes (RFC 9110, 14.1.2). Anything else, several ranges among it, is ignored, as S3 does.
std::optional<Asked> read_range(std::optional<std::string_view> header) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header || !header->starts_with(kUnit)) return std::nullopt;
  const std::string_view text = header->substr(kUnit.size());
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const Asked asked{to_number(text.substr(0, dash)), to_number(text.substr(dash + 1))};
  const bool first_is_bad = !asked.first && dash > 0;
  const bool last_is_bad = !asked.last && dash + 1 < text.size();
  if (first_is_bad || last_is_bad || (!asked.first && !asked.last)) return std::nullopt;
  if (asked.first && asked.last && *asked.last < *asked.first) return std::nullopt;
  return asked;
}

Result<store::Range> to_range(const Asked& asked, std::uint64_t size) {
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
  store::ObjectStore& store = call.service.store;
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
  auto object = co_await store.get(call.bucket, call.key, range);
  if (!object) co_return from_store(object.error());
  net::HttpResponse response;
  add_object_headers(response, object->info);
  if (range) {
    response.status = 206;
    const std::uint64_t last = range->first + object->body.size() - 1;
    response.headers.add("Content-Range", "bytes " + std::to_string(range->first) + "-" + std::to_string(last) + "/" +
                                              std::to_string(object->info.size));
  }
  response.body = std::move(object->body);
  co_return response;
}

Task<Result<net::HttpResponse>> head_object(Call& call) {
  const auto info = co_await call.service.store.head(call.bucket, call.key);
  if (!info) co_return from_store(info.error());
  auto answer = check_conditions(call, *info);
  if (!answer) co_return answer.error();
  if (*answer) co_return std::move(**answer);
  net::HttpResponse response;
  add_object_headers(response, *info);
  response.headers.add("Content-Length", std::to_string(info->size));
  co_return response;
}

}  // namespace facefleet::localcloud::s3
