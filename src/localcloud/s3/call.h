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
#include "store/object_store.h"

namespace facefleet::localcloud::s3 {

inline constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// What the door hands to all its calls.
struct Service {
  store::ObjectStore& store;
  std::string region;
  std::string account;
  std::string secret_access_key;  // for the signatures of chunks; the request's own is verified before
  aws::SigningKeys& signing_keys;
};

// One call; lives until its action has ended.
struct Call {
  Service& service;
  net::HttpRequest& http;
  std::string bucket;
  std::string key;  // any bytes
  std::vector<std::pair<std::string, std::string>> query;

  std::optional<std::string_view> parameter(std::string_view name) const;  // of the query
};

net::HttpResponse no_content();
net::HttpResponse xml_response(std::string body);

// An Error whose reason is S3's code.
Error s3_error(Code code, std::string_view aws_code, std::string_view message);
// A store's own error as S3 tells it.
Error from_store(const Error& error);

// What a GET or HEAD answers about an object: ETag, Last-Modified, Content-Type, x-amz-meta-….
void add_object_headers(net::HttpResponse& response, const store::ObjectInfo& info);

// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since (RFC 9110, 13.2.2) against an object: nothing if the
// call may go on, else the answer to give (304), or PreconditionFailed.
Result<std::optional<net::HttpResponse>> check_conditions(const Call& call, const store::ObjectInfo& info);
// Whether any of them stands in the call.
bool has_conditions(const Call& call);

}  // namespace facefleet::localcloud::s3
