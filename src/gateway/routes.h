// The table of endpoints. To add one: its file under endpoints/, and its declaration and row in routes.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/service.h"
#include "jobs/json_writer.h"
#include "net/http.h"

namespace facefleet::gateway {

// One request on its way through an endpoint.
struct Call {
  Service& service;
  net::HttpRequest& request;
  std::vector<std::string> captures;                       // what {…} stood for, decoded, in order
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  std::string request_id;                                  // X-Request-Id; for a photo, its job's id
  std::string key_name;                                    // of the API key; empty without one
  MonoTime began;

  // The last value of a query parameter; empty if it is absent.
  std::string_view parameter(std::string_view name) const;
};

using Endpoint = Task<Result<net::HttpResponse>> (*)(Call&);

enum class Scope { kNone, kRead, kRecognise, kManage };
std::string_view to_string(Scope scope);  // "", "read", …

enum class Body {
  kSmall,   // at most kSmallBodyBytes
  kPhotos,  // as large as the profile allows; refused while draining or overloaded
};

struct Route {
  std::string_view method, path;  // a segment {name} captures
  Scope scope;
  Body body;
  Endpoint endpoint;
  std::string_view help;
};

std::span<const Route> routes();

struct Found {
  const Route* route = nullptr;  // null: `error` says why
  std::vector<std::string> captures;
  Error error;
  std::string allow;  // where the path exists with other methods: those, for the Allow header
};

// The row for a request. HEAD finds GET's. A form that is posted to a path that nobody has is POST /'s: clients of the
// earlier systems post to /image, /upload, /api/image.
Found find_route(const net::HttpRequest& request);

}  // namespace facefleet::gateway
