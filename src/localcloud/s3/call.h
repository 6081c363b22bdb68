// What every S3 action is handed, and what they share. Thread rule: base/task.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/sigv4.h"
#include "aws/wire.h"
#include "base/task.h"
#include "net/http.h"
#include "store/local_store.h"

namespace facefleet::localcloud::s3 {

inline constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// What the door hands to all its calls.
struct Service {
  store::LocalStore& store;
  std::string region;
  std::string account;
  std::string secret_access_key;  // for the signatures of chunks; the request's own is verified before. Empty: those of
                                  // chunks are not looked at
  aws::SigningKeys& signing_keys;
};

// One call; lives until its action has ended.
struct Call {
  Service& service;
  net::HttpRequest& http;
  std::string bucket;
  std::string key;  // any bytes
  std::vector<std::pair<std::string, std::string>> query;
  std::string payload;  // what was signed of the body (aws::Verified)

  std::optional<std::string_view> parameter(std::string_view name) const;  // of the query
};

net::HttpResponse no_content();
net::HttpResponse xml_response(std::string body);

// An Error whose reason is S3's code.
Error s3_error(Code code, std::string_view aws_code, std::string_view message);
// A store's own error as S3 tells it.
Error from_store(const Error& error);

// Content type, metadata and conditions of an upload, as its headers say. Beside x-amz-meta-…, the fields that S3 keeps
// with an object (Cache-Control, Content-Disposition, …) are kept as metadata too, under their own names with ':'
// before them, which no x-amz-meta- name can hold.
Result<store::Put> read_put(const net::Headers& headers);

// What a GET or HEAD answers about an object: ETag, Last-Modified, Content-Type, x-amz-meta-…. A presigned link may
// replace some (?response-content-type=…).
void add_object_headers(const Call& call, net::HttpResponse& response, const store::ObjectInfo& info);

// NoSuchBucket if the call's bucket is not there.
Task<Result<void>> check_bucket(Call& call);

// `bytes=…` of a whole and a part, in S3's reading; nothing where it is to be ignored.
struct AskedRange {
  std::optional<std::uint64_t> first;  // nothing: the last `last` bytes
  std::optional<std::uint64_t> last;
};
std::optional<AskedRange> read_range(std::optional<std::string_view> header);

// The upload in parts that the call names.
store::UploadName upload_name(const Call& call);
std::optional<std::uint64_t> to_number(std::string_view text);

// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since (RFC 9110, 13.2.2) against an object: nothing if the
// call may go on, else the answer to give (304), or PreconditionFailed.
// `prefix`: `x-amz-copy-source-` for those that a copy states of its source.
Result<std::optional<net::HttpResponse>> check_conditions(const Call& call, const store::ObjectInfo& info,
                                                          std::string_view prefix = {});
// Whether any of them stands in the call.
bool has_conditions(const Call& call);

}  // namespace facefleet::localcloud::s3
