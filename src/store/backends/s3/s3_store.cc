#include "store/backends/s3/s3_store.h"

#include <algorithm>
#include <charconv>

#include "aws/dates.h"
#include "aws/wire.h"
#include "aws/xml.h"
#include "base/hash.h"
#include "base/limits.h"
#include "store/rules.h"

namespace facefleet::store {
namespace {

constexpr Millis kCallTimeout{30'000};
constexpr Millis kLostPause{100};  // until a conditional put whose answer was lost is sent again
constexpr std::string_view kMetadataPrefix = "x-amz-meta-";
constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// S3's codes in this room's words.
Error translate(Error error) {
  if (error.reason == "NoSuchKey") error.reason = "no_such_key";
  if (error.reason == "NoSuchBucket") error.reason = "no_such_bucket";
  if (error.reason == "InvalidRange") error.reason = "invalid_range";
  return error;
}

Error bad_answer(std::string_view why) {
  return Error{Code::kUnavailable, "S3 gave an answer that is not in its form: " + std::string(why), "bad_answer"};
}

std::string target_of(std::string_view bucket, std::string_view key = {}) {
  std::string target = "/" + net::percent_encode(bucket);
  if (!key.empty()) target.append("/").append(net::percent_encode(key, /*keep_slash=*/true));
  return target;
}

net::HttpRequest make_request(std::string method, std::string target) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  return request;
}

std::string without_quotes(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// What the header of a GET's, HEAD's or PUT's answer says of an object.
ObjectInfo info_of(std::string key, std::uint64_t body_size, const net::Headers& headers) {
  ObjectInfo info;
  info.key = std::move(key);
  info.size = body_size;
  if (const auto length = headers.get("content-length"); length && body_size == 0) info.size = to_number(*length);
  if (const auto range = headers.get("content-range"))  // bytes 0-9/443
    info.size = to_number(range->substr(range->find('/') + 1));
  info.etag = without_quotes(headers.get("etag").value_or(""));
  info.content_type = headers.get("content-type").value_or("");
  const auto modified = headers.get("last-modified");
  info.modified_ms = aws::parse_http_date(modified ? *modified : headers.get("date").value_or("")).value_or(0);
  for (const auto& [name, value] : headers.all()) {
    std::string lower = aws::lower_case(name);
    if (lower.starts_with(kMetadataPrefix)) info.metadata.emplace(lower.substr(kMetadataPrefix.size()), value);
  }
  return info;
}

bool is_header_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

Result<void> check_put(std::string_view key, const Put& options) {
  if (auto named = check_key(key); !named) return named;
  if (!is_header_value(options.content_type))
    return Error{Code::kInvalidInput, "A content type holds no control characters.", "bad_content_type"};
  for (const auto& [name, value] : options.metadata)
    if (!is_header_name(name) || !is_header_value(value))
      return Error{Code::kInvalidInput,
                   "Names of metadata are letters, digits, '-', '_' and '.'; values hold no control characters.",
                   "bad_metadata"};
  return {};
}

net::HttpRequest put_request(std::string target, Bytes body, const Put& options) {
  net::HttpRequest request = make_request("PUT", std::move(target));
  request.headers.add("Content-Type", options.content_type);
  for (const auto& [name, value] : options.metadata)
    request.headers.add(std::string(kMetadataPrefix) + aws::lower_case(name), value);
  if (options.if_absent) request.headers.add("If-None-Match", "*");
  if (options.if_etag) request.headers.add("If-Match", "\"" + *options.if_etag + "\"");
  request.body = std::move(body);
  return request;
}

Error put_error(const Error& said, const Put& options) {
  Error error = translate(said);
  if (options.if_etag && error.reason == "no_such_key") error.code = Code::kConflict;
  return error;
}

ObjectInfo put_info(std::string key, std::uint64_t size, Put options, const net::Headers& headers) {
  ObjectInfo info = info_of(std::move(key), size, headers);
  info.size = size;
  info.content_type = std::move(options.content_type);
  info.metadata = std::move(options.metadata);
  return info;
}

// Whether a delete request's XML can hold `key`: XML 1.0 has no spelling for control characters, and is UTF-8.
bool fits_xml(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
}

std::string delete_body(const std::vector<std::string>& keys, std::size_t first, std::size_t count) {
  std::string body;
  aws::XmlWriter xml(body);
  xml.open("Delete", kNamespace);
  xml.boolean("Quiet", true);
  for (std::size_t i = first; i < first + count; ++i) {
    xml.open("Object");
    xml.text("Key", keys[i]);
    xml.close("Object");
  }
  xml.close("Delete");
  return body;
}

std::string list_target(std::string_view bucket, const List& query) {
  std::string target = target_of(bucket) + "?encoding-type=url&list-type=2&max-keys=" + std::to_string(query.max);
  const auto add = [&target](std::string_view name, std::string_view value) {
    if (!value.empty()) target.append("&").append(name).append("=").append(net::percent_encode(value));
  };
  add("delimiter", query.delimiter);
  add("prefix", query.prefix);
  add("start-after", query.start_after);
  return target;
}

Result<Listing> read_listing(std::string_view body) {
  const auto document = aws::XmlDocument::parse(body);
  if (!document) return bad_answer(document.error().message);
  const aws::XmlElement root = document->root();
  const bool encoded = root.text("EncodingType") == "url";
  const auto decoded = [encoded](std::string_view text) {
    return encoded ? net::percent_decode(text, /*plus_is_blank=*/true) : std::string(text);
  };
  Listing listing;
  for (const aws::XmlElement& entry : root.children("Contents")) {
    ObjectInfo& info = listing.objects.emplace_back();
    info.key = decoded(entry.text("Key"));
    info.size = to_number(entry.text("Size"));
    info.etag = without_quotes(entry.text("ETag"));
    info.modified_ms = aws::parse_iso8601(entry.text("LastModified")).value_or(0);
  }
  for (const aws::XmlElement& entry : root.children("CommonPrefixes"))
    listing.prefixes.push_back(decoded(entry.text("Prefix")));
  listing.truncated = root.text("IsTruncated") == "true";
  if (listing.truncated) {
    // S3 resumes after a key, so to resume after a rolled-up prefix takes a key behind all that begin with it: no
    // character of UTF-8 sorts behind U+10FFFF.
    if (!listing.objects.empty()) listing.next_start_after = listing.objects.back().key;
    if (!listing.prefixes.empty() && listing.prefixes.back() > listing.next_start_after)
      listing.next_start_after = listing.prefixes.back() + "\xF4\x8F\xBF\xBF";
  }
  return listing;
}

class S3Store final : public ObjectStore {
 public:
  explicit S3Store(aws::Client& client) : client_(client) {}

  Task<Result<void>> create_bucket(std::string bucket) override {
    if (auto named = check_bucket_name(bucket); !named) co_return named;
    net::HttpRequest request = make_request("PUT", target_of(bucket));
    if (client_.region() != "us-east-1") {  // which S3 does not accept as a constraint, being its default
      aws::XmlWriter xml(request.body);
      xml.open("CreateBucketConfiguration", kNamespace);
      xml.text("LocationConstraint", client_.region());
      xml.close("CreateBucketConfiguration");
    }
    const auto response = co_await client_.call(std::move(request), kCallTimeout, /*idempotent=*/true);
    if (!response && response.error().reason != "BucketAlreadyOwnedByYou") co_return translate(response.error());
    co_return Result<void>();
  }

  Task<Result<void>> remove_bucket(std::string bucket) override {
    net::HttpRequest request = make_request("DELETE", target_of(bucket));
    const auto response = co_await client_.call(std::move(request), kCallTimeout, true);
    if (!response) co_return translate(response.error());
    co_return Result<void>();
  }

  Task<Result<std::vector<Bucket>>> list_buckets() override {
    net::HttpRequest request = make_request("GET", "/");
    const auto response = co_await client_.call(std::move(request), kCallTimeout, true);
    if (!response) co_return translate(response.error());
    const auto document = aws::XmlDocument::parse(response->body);
    if (!document) co_return bad_answer(document.error().message);
    std::vector<Bucket> buckets;
    for (const aws::XmlElement& entry : document->root().at("Buckets").children("Bucket"))
      buckets.push_back({std::string(entry.text("Name")), aws::parse_iso8601(entry.text("CreationDate")).value_or(0)});
    std::sort(buckets.begin(), buckets.end(), [](const Bucket& a, const Bucket& b) { return a.name < b.name; });
    co_return buckets;
  }

  Task<Result<bool>> has_bucket(std::string bucket) override {
    net::HttpRequest request = make_request("HEAD", target_of(bucket));
    const auto response = co_await client_.call(std::move(request), kCallTimeout, true);
    if (response) co_return true;
    if (response.error().code == Code::kNotFound) co_return false;
    co_return translate(response.error());
  }

  Task<Result<ObjectInfo>> put(std::string bucket, std::string key, Bytes body, Put options) override {
    if (auto fit = check_put(key, options); !fit) co_return fit.error();
    if (options.if_absent || options.if_etag)
      co_return co_await put_if(std::move(bucket), std::move(key), std::move(body), std::move(options));
    co_return co_await send_put(std::move(bucket), std::move(key), std::move(body), std::move(options), true);
  }

  Task<Result<Object>> get(std::string bucket, std::string key, std::optional<Range> range) override {
    net::HttpRequest request = make_request("GET", target_of(bucket, key));
    if (range) {
      std::string bytes = "bytes=" + std::to_string(range->first) + "-";
      if (range->last != UINT64_MAX) bytes += std::to_string(range->last);
      request.headers.add("Range", std::move(bytes));
    }
    auto response = co_await client_.call(std::move(request), kCallTimeout, true);
    if (!response) co_return translate(response.error());
    Object object;
    object.info = info_of(std::move(key), response->body.size(), response->headers);
    object.body = std::move(response->body);
    co_return object;
  }

  Task<Result<ObjectInfo>> head(std::string bucket, std::string key) override {
    net::HttpRequest request = make_request("HEAD", target_of(bucket, key));
    const auto response = co_await client_.call(std::move(request), kCallTimeout, true);
    if (response) co_return info_of(std::move(key), 0, response->headers);
    Error error = translate(response.error());
    if (error.code == Code::kNotFound && error.reason.empty()) {  // an answer to HEAD has no body to say which
      const auto there = co_await has_bucket(bucket);
      if (!there) co_return there.error();
      error.reason = *there ? "no_such_key" : "no_such_bucket";
    }
    co_return error;
  }

  Task<Result<void>> remove(std::string bucket, std::vector<std::string> keys) override {
    const auto odd = std::stable_partition(keys.begin(), keys.end(), [](const auto& key) { return fits_xml(key); });
    auto plain = static_cast<std::size_t>(odd - keys.begin());
    if (plain == 1) plain = 0;  // one is cheaper by itself
    for (std::size_t at = 0; at < plain; at += limits::kObjectListKeys) {
      std::string body = delete_body(keys, at, std::min(limits::kObjectListKeys, plain - at));
      auto removed = co_await remove_many(bucket, std::move(body));
      if (!removed) co_return removed;
    }
    for (std::size_t i = plain; i < keys.size(); ++i) {
      net::HttpRequest request = make_request("DELETE", target_of(bucket, keys[i]));
      const auto response = co_await client_.call(std::move(request), kCallTimeout, true);
      if (!response && response.error().reason != "NoSuchKey") co_return translate(response.error());
    }
    co_return Result<void>();
  }

  Task<Result<Listing>> list(std::string bucket, List query) override {
    net::HttpRequest request = make_request("GET", list_target(bucket, query));
    const auto response = co_await client_.call(std::move(request), kCallTimeout, true);
    if (!response) co_return translate(response.error());
    co_return read_listing(response->body);
  }

 private:
  Task<Result<ObjectInfo>> send_put(std::string bucket, std::string key, Bytes body, Put options, bool idempotent) {
    const std::uint64_t size = body.size();
    net::HttpRequest request = put_request(target_of(bucket, key), std::move(body), options);
    const auto response = co_await client_.call(std::move(request), kCallTimeout, idempotent);
    if (!response) co_return put_error(response.error(), options);
    co_return put_info(std::move(key), size, std::move(options), response->headers);
  }

  // One whose answer is lost may have been done; it is sent once more. Where a condition does not hold, this put may be
  // why, for whoever carries it may have repeated it, too: what lies there shows whether it was done.
  Task<Result<ObjectInfo>> put_if(std::string bucket, std::string key, Bytes body, Put options) {
    auto put = co_await send_put(bucket, key, body, options, /*idempotent=*/false);
    if (!put && put.error().code == Code::kUnavailable) {
      co_await sleep_for(kLostPause);
      put = co_await send_put(bucket, key, body, options, /*idempotent=*/false);
    }
    if (put || put.error().code != Code::kConflict) co_return put;
    auto there = co_await get(std::move(bucket), std::move(key), std::nullopt);
    if (there && there->body == body) co_return std::move(there->info);
    co_return put;
  }

  Task<Result<void>> remove_many(const std::string& bucket, std::string body) {
    net::HttpRequest request = make_request("POST", target_of(bucket) + "?delete");
    request.headers.add("Content-Type", "application/xml");
    request.headers.add("Content-MD5", base64(md5(body)));  // S3 refuses this action without one
    request.body = std::move(body);
    const auto response = co_await client_.call(std::move(request), kCallTimeout, true);
    if (!response) co_return translate(response.error());
    const auto document = aws::XmlDocument::parse(response->body);
    if (!document) co_return bad_answer(document.error().message);
    const aws::XmlElement error = document->root().at("Error");
    if (!error) co_return Result<void>();
    co_return Error{Code::kUnavailable,
                    "S3 could not delete " + std::string(error.text("Key")) + ": " + std::string(error.text("Message")),
                    std::string(error.text("Code"))};
  }

  aws::Client& client_;
};

}  // namespace

std::unique_ptr<ObjectStore> open_s3_store(aws::Client& client) { return std::make_unique<S3Store>(client); }

}  // namespace facefleet::store
