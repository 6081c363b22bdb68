// HTTP messages as values: what servers hand to handlers and clients take. No Beast type shows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::net {

// Whether two ASCII texts are the same but for upper and lower case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

// Header fields in order of arrival; names compare without case.
class Headers {
 public:
  void set(std::string name, std::string value);  // replaces all of that name
  void add(std::string name, std::string value);
  std::optional<std::string_view> get(std::string_view name) const;  // the first of that name
  void clear() { fields_.clear(); }
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

class BodyPieces;  // net/body.h
class HeldBody;    // net/body.h

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // as on the wire: still percent-encoded, path?query
  Headers headers;           // server side: with Host; client side: Host and Content-Length are added
  Bytes body;
  std::string remote;            // server side: the peer's address
  BodyPieces* pieces = nullptr;  // server side, where Admission asked for it: the body, in place of `body`
  HeldBody* held = nullptr;      // server side, where `body` is: what it counts among those that the server holds

  std::string_view path() const;   // of target, still encoded
  std::string_view query() const;  // of target, still encoded, without '?'
};

struct HttpResponse {
  int status = 200;
  Headers headers;
  Bytes body;
  bool close = false;  // end the connection after this response
  // Server side: in place of `body`, one of so many bytes that is read while it is sent. If it fails, the connection
  // is cut, so that the client sees a body that is too short.
  std::shared_ptr<BodyPieces> pieces = {};
  std::uint64_t pieces_bytes = 0;

  static HttpResponse text(int status, std::string body);
  static HttpResponse json(int status, std::string body);
};

std::string_view reason_phrase(int status);

// %41 -> A; '+' is a blank only in form bodies and queries (`plus_is_blank`). Bad escapes stay as they are.
std::string percent_decode(std::string_view text, bool plus_is_blank = false);
// RFC 3986 unreserved characters stay; `keep_slash` keeps '/' as well.
std::string percent_encode(std::string_view text, bool keep_slash = false);

// `a=1&b=x%20y` decoded, in order; a name without '=' has an empty value.
std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text);

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
// `127.0.0.1:8000`, `[::1]:0`, `localhost:8000`; kInvalidInput with a sentence otherwise.
Result<HostPort> parse_host_port(std::string_view text);

struct Url {
  bool tls = false;
  std::string host;
  std::uint16_t port = 80;
  std::string target = "/";
};
Result<Url> parse_url(std::string_view text);  // http:// and https://

// Whether `host` (a name or a literal address) is this machine alone.
bool is_loopback(std::string_view host);

}  // namespace facefleet::net
