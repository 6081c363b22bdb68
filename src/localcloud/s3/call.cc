#include "localcloud/s3/call.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "aws/dates.h"
#include "base/limits.h"

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

constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

// What S3 keeps with an object beside its type and x-amz-meta-….
constexpr std::array<std::string_view, 5> kKeptFields{"cache-control", "content-disposition", "content-encoding",
                                                      "content-language", "expires"};

// `aws-chunked` is how the body came, not what it is.
std::string without_aws_chunked(std::string_view codings) {
  std::string kept;
  while (!codings.empty()) {
    const std::size_t comma = std::min(codings.find(','), codings.size());
    std::string_view one = codings.substr(0, comma);
    codings.remove_prefix(std::min(comma + 1, codings.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty() || one == "aws-chunked") continue;
    if (!kept.empty()) kept += ',';
    kept += one;
  }
  return kept;
}

// Headers tell whole seconds.
std::int64_t whole_seconds(std::int64_t wall_ms) { return wall_ms / 1'000 * 1'000; }

}  // namespace

std::optional<std::string_view> Call::parameter(std::string_view name) const {
  for (const auto& [given, value] : query)
    if (given == name) return value;
  return std::nullopt;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// One range of bytes (RFC 9110, 14.1.2). Anything else, several ranges among it, is ignored, as S3 does.
std::optional<AskedRange> read_range(std::optional<std::string_view> header) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header || !header->starts_with(kUnit)) return std::nullopt;
  const std::string_view text = header->substr(kUnit.size());
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const AskedRange asked{to_number(text.substr(0, dash)), to_number(text.substr(dash + 1))};
  const bool first_is_bad = !asked.first && dash > 0;
  const bool last_is_bad = !asked.last && dash + 1 < text.size();
  if (first_is_bad || last_is_bad || (!asked.first && !asked.last)) return std::nullopt;
  if (asked.first && asked.last && *asked.last < *asked.first) return std::nullopt;
  return asked;
}

store::UploadName upload_name(const Call& call) {
  return {call.bucket, call.key, std::string(call.parameter("uploadId").value_or(""))};
}

Task<Result<void>> check_bucket(Call& call) {
  const auto there = co_await call.service.store.has_bucket(call.bucket);
  if (!there) co_return from_store(there.error());
  if (!*there) co_return from_store({Code::kNotFound, "", "no_such_bucket"});
  co_return Result<void>();
}

Result<store::Put> read_put(const net::Headers& headers) {
  store::Put options;
  options.content_type = headers.get("content-type").value_or("binary/octet-stream");
  std::size_t metadata_bytes = 0;
  for (const auto& [name, value] : headers.all()) {
    std::string lower = aws::lower_case(name);
    if (lower.starts_with(kMetadataPrefix)) {
      metadata_bytes += lower.size() - kMetadataPrefix.size() + value.size();
      options.metadata[lower.substr(kMetadataPrefix.size())] = value;
    } else if (std::ranges::find(kKeptFields, lower) != kKeptFields.end()) {
      std::string kept = lower == "content-encoding" ? without_aws_chunked(value) : value;
      if (!kept.empty()) options.metadata[":" + lower] = std::move(kept);
    }
  }
  if (metadata_bytes > limits::kObjectMetadataBytes)
    return s3_error(Code::kInvalidInput, "MetadataTooLarge",
                    "Your metadata headers exceed the maximum allowed metadata size");
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
      if (error.reason == "no_such_upload")
        return s3_error(error.code, "NoSuchUpload",
                        "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
                        "been aborted or completed.");
      if (error.reason == "no_such_key") return s3_error(error.code, "NoSuchKey", "The specified key does not exist.");
      return s3_error(error.code, "NoSuchBucket", "The specified bucket does not exist");
    case Code::kConflict:
      return s3_error(error.code, "PreconditionFailed",
                      "At least one of the pre-conditions you specified did not hold");
    case Code::kInvalidInput:
      if (error.reason == "invalid_range")
        return s3_error(error.code, "InvalidRange", "The requested range is not satisfiable");
      if (error.reason == "invalid_part")
        return s3_error(error.code, "InvalidPart",
                        "One or more of the specified parts could not be found.  The part may not have been uploaded, "
                        "or the specified entity tag may not match the part's entity tag.");
      if (error.reason == "invalid_part_order")
        return s3_error(error.code, "InvalidPartOrder",
                        "The list of parts was not in ascending order. Parts must be ordered by part number.");
      if (error.reason == "part_too_small")
        return s3_error(error.code, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
      return s3_error(error.code, "InvalidArgument", error.message);
    case Code::kBusy: return s3_error(error.code, "SlowDown", error.message);
    default: return {error.code, error.message, ""};
  }
}

void add_object_headers(const Call& call, net::HttpResponse& response, const store::ObjectInfo& info) {
  response.headers.add("ETag", "\"" + info.etag + "\"");
  response.headers.add("Last-Modified", http_date(info.modified_ms));
  response.headers.add("Content-Type", info.content_type);
  response.headers.add("Accept-Ranges", "bytes");
  for (const auto& [name, value] : info.metadata) {
    if (name.starts_with(':'))
      response.headers.add(name.substr(1), value);
    else
      response.headers.add(std::string(kMetadataPrefix) + name, value);
  }
  constexpr std::string_view kOverride = "response-";
  for (const auto& [name, value] : call.query) {
    if (!name.starts_with(kOverride)) continue;
    const std::string field = name.substr(kOverride.size());
    if (field == "content-type" || std::ranges::find(kKeptFields, field) != kKeptFields.end())
      response.headers.set(field, value);
  }
}

Result<std::optional<net::HttpResponse>> check_conditions(const Call& call, const store::ObjectInfo& info,
                                                          std::string_view prefix) {
  const net::Headers& headers = call.http.headers;
  const auto field = [&](const char* name) { return headers.get(std::string(prefix) + name); };
  const auto date = [&](const char* name) {
    const auto text = field(name);
    return text ? aws::parse_http_date(*text) : std::nullopt;
  };
  const std::int64_t modified = whole_seconds(info.modified_ms);
  const auto if_match = field("if-match");
  const auto unmodified_since = date("if-unmodified-since");
  if (if_match ? !names_etag(*if_match, info.etag) : unmodified_since && modified > *unmodified_since)
    return from_store({Code::kConflict, "", ""});
  const auto if_none_match = field("if-none-match");
  const auto modified_since = date("if-modified-since");
  if (if_none_match ? names_etag(*if_none_match, info.etag) : modified_since && modified <= *modified_since) {
    net::HttpResponse unchanged;
    unchanged.status = 304;
    add_object_headers(call, unchanged, info);
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
