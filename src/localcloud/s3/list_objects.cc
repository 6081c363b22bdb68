#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {
namespace {

// ListObjects, both versions, differ in how a page names its place: V1 by a marker that is a key or a rolled-up prefix,
// V2 by a token, which here is the store's own place in base 64.
struct Request {
  bool second_version = false;
  bool url_encoded = false;
  bool with_owner = false;
  std::string marker;  // as the caller gave it
  store::List list;
};

Result<Request> read_request(const Call& call) {
  Request request;
  request.second_version = call.parameter("list-type") == "2";
  request.url_encoded = call.parameter("encoding-type") == "url";
  request.with_owner = !request.second_version || call.parameter("fetch-owner") == "true";
  request.list.prefix = call.parameter("prefix").value_or("");
  request.list.delimiter = call.parameter("delimiter").value_or("");
  request.list.max = limits::kObjectListKeys;
  if (const auto text = call.parameter("max-keys")) {
    std::uint32_t max = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), max);
    if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size())
      return s3_error(Code::kInvalidInput, "InvalidArgument", "Provided max-keys not an integer or within range");
    request.list.max = std::min<std::uint32_t>(max, limits::kObjectListKeys);
  }
  if (!request.second_version) {
    request.marker = call.parameter("marker").value_or("");
    request.list.start_after = request.marker;
    // A marker that is a rolled-up prefix stands for all keys below it: the listing goes on behind the last of them.
    const std::string& delimiter = request.list.delimiter;
    if (!delimiter.empty() && request.marker.size() > request.list.prefix.size() && request.marker.ends_with(delimiter))
      request.list.start_after.append(limits::kObjectKeyBytes, '\xff');
    return request;
  }
  request.list.start_after = call.parameter("start-after").value_or("");
  if (const auto token = call.parameter("continuation-token")) {
    auto place = base64_decode(*token);
    if (!place || place->empty())
      return s3_error(Code::kInvalidInput, "InvalidArgument", "The continuation token provided is incorrect");
    request.list.start_after = std::move(*place);
  }
  return request;
}

class ListingWriter {
 public:
  ListingWriter(const Call& call, const Request& request) : call_(call), request_(request), xml_(body_) {}

  std::string write(const store::Listing& listing) {
    xml_.declaration();
    xml_.open("ListBucketResult", kNamespace);
    xml_.text("Name", call_.bucket);
    name("Prefix", request_.list.prefix);
    if (request_.second_version) {
      write_place_v2(listing);
    } else {
      write_place_v1(listing);
    }
    xml_.number("MaxKeys", request_.list.max);
    if (!request_.list.delimiter.empty()) name("Delimiter", request_.list.delimiter);
    if (request_.url_encoded) xml_.text("EncodingType", "url");
    xml_.boolean("IsTruncated", listing.truncated);
    for (const store::ObjectInfo& info : listing.objects) write_object(info);
    for (const std::string& prefix : listing.prefixes) {
      xml_.open("CommonPrefixes");
      name("Prefix", prefix);
      xml_.close("CommonPrefixes");
    }
    xml_.close("ListBucketResult");
    return std::move(body_);
  }

 private:
  // A key, a prefix or a part of one, percent-encoded if the caller asked for that.
  void name(std::string_view element, std::string_view value) {
    if (request_.url_encoded) {
      xml_.text(element, net::percent_encode(value, /*keep_slash=*/true));
    } else {
      xml_.text(element, value);
    }
  }

  void write_place_v1(const store::Listing& listing) {
    name("Marker", request_.marker);
    if (!listing.truncated) return;
    std::string last;
    if (!listing.objects.empty()) last = listing.objects.back().key;
    if (!listing.prefixes.empty()) last = std::max(last, listing.prefixes.back());
    name("NextMarker", last);
  }

  void write_place_v2(const store::Listing& listing) {
    xml_.number("KeyCount", static_cast<std::int64_t>(listing.objects.size() + listing.prefixes.size()));
    if (const auto token = call_.parameter("continuation-token")) xml_.text("ContinuationToken", *token);
    if (const auto after = call_.parameter("start-after")) name("StartAfter", *after);
    if (listing.truncated) xml_.text("NextContinuationToken", base64(listing.next_start_after));
  }

  void write_object(const store::ObjectInfo& info) {
    xml_.open("Contents");
    name("Key", info.key);
    xml_.text("LastModified", iso8601(info.modified_ms));
    xml_.text("ETag", "\"" + info.etag + "\"");
    xml_.number("Size", static_cast<std::int64_t>(info.size));
    if (request_.with_owner) {
      xml_.open("Owner");
      xml_.text("ID", call_.service.account);
      xml_.close("Owner");
    }
    xml_.text("StorageClass", "STANDARD");
    xml_.close("Contents");
  }

  const Call& call_;
  const Request& request_;
  std::string body_;
  aws::XmlWriter xml_;
};

}  // namespace

Task<Result<net::HttpResponse>> list_objects(Call& call) {
  const auto request = read_request(call);
  if (!request) co_return request.error();
  store::List query = request->list;
  query.max = std::max<std::uint32_t>(query.max, 1);
  auto listing = co_await call.service.store.list(call.bucket, std::move(query));
  if (!listing) co_return from_store(listing.error());
  if (request->list.max == 0) *listing = store::Listing{};  // asked for nothing, but the bucket must be there
  ListingWriter writer(call, *request);
  co_return xml_response(writer.write(*listing));
}

}  // namespace facefleet::localcloud::s3
