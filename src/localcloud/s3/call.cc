#include "localcloud/s3/call.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "aws/dates.h"

namespace facefleet::localcloud::s3 {
namespace {

// `Mon, 12 Oct 2009 17:50:30 GMT` (RFC 9110, 5.6.7), whatever the locale.
std::string http_date(std::int64_t wall_ms) {
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = wall_ms / 1'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text.data();
}

// Whether a list of entity tags, or `*`, names `etag`. Weak tags compare as strong ones: ours never change their form.
bool names_etag(std::string_view list, std::string_view etag) {
  return list == "*" || list.find(etag) != std::string_view::npos;
}

// Headers tell whole seconds.
std::int64_t whole_seconds(std::int64_t wall_ms) { return wall_ms / 1'000 * 1'000; }

}  // namespace

std::optional<std::string_view> Call::parameter(std::string_view name) const {
  for (const auto& [given, value] : query)
    if (given == name) return value;
  return std::nullopt;
}

net::HttpResponse no_content() {
  net::HttpResponse response;
  response.status = 204;
  return response;
}

net::HttpResponse xml_response(std::string body) {
  net::HttpResponse response;
  response.headers.add("Content-Type", "application/xml");
  response.body = std::move(body);
  return response;
}

Error s3_error(Code code, std::string_view aws_code, std::string_view message) {
  return {code, std::string(message), std::string(aws_code)};
}

Error from_store(const Error& error) {
  switch (error.code) {
    case Code::kNotFound:
      if (error.reason == "no_such_key") return s3_error(error.code, "NoSuchKey", "The specified key does not exist.");
      return s3_error(error.code, "NoSuchBucket", "The specified bucket does not exist");
    case Code::kConflict:
      return s3_error(error.code, "PreconditionFailed",
                      "At least one of the pre-conditions you specified did not hold");
    case Code::kInvalidInput:
      if (error.reason == "invalid_range")
        return s3_error(error.code, "InvalidRange", "The requested range is not satisfiable");
      return s3_error(error.code, "InvalidArgument", error.message);
    case Code::kBusy: return s3_error(error.code, "SlowDown", error.message);
    default: return {error.code, error.message, ""};
  }
}

void add_object_headers(net::HttpResponse& response, const store::ObjectInfo& info) {
  response.headers.add("ETag", "\"" + info.etag + "\"");
  response.headers.add("Last-Modified", http_date(info.modified_ms));
  response.headers.add("Content-Type", info.content_type);
  response.headers.add("Accept-Ranges", "bytes");
  for (const auto& [name, value] : info.metadata) response.headers.add("x-amz-meta-" + name, value);
}

Result<std::optional<net::HttpResponse>> check_conditions(const Call& call, const store::ObjectInfo& info) {
  const net::Headers& headers = call.http.headers;
  const auto date = [&](std::string_view name) {
    const auto text = headers.get(name);
    return text ? aws::parse_http_date(*text) : std::nullopt;
  };
  const std::int64_t modified = whole_seconds(info.modified_ms);
  const auto if_match = headers.get("if-match");
  const auto unmodified_since = date("if-unmodified-since");
  if (if_match ? !names_etag(*if_match, info.etag) : unmodified_since && modified > *unmodified_since)
    return from_store({Code::kConflict, "", ""});
  const auto if_none_match = headers.get("if-none-match");
  const auto modified_since = date("if-modified-since");
  if (if_none_match ? names_etag(*if_none_match, info.etag) : modified_since && modified <= *modified_since) {
    net::HttpResponse unchanged;
    unchanged.status = 304;
    add_object_headers(unchanged, info);
    return std::optional(std::move(unchanged));
  }
  return std::optional<net::HttpResponse>();
}

bool has_conditions(const Call& call) {
  for (const char* name : {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})
    if (call.http.headers.get(name)) return true;
  return false;
}

}  // namespace facefleet::localcloud::s3
