// An HTTP/1.1 client with a pool of kept-alive connections to one origin.
// Thread rule: base/task.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"

namespace facefleet::net {

struct ClientOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 80;
  bool tls = false;                    // verifies the certificate's chain, time and host name
  std::string ca_file;                 // PEM file of the roots to trust; empty: the system's
  std::uint32_t connections_max = 64;  // a further request waits for one to come free
  std::uint64_t body_bytes_max = 64ull << 20;
  Millis connect_timeout{2'000};
};

// For the origin of `url`; the rest as it is.
ClientOptions options_for(const Url& url);

// The reason of a kUnavailable that will not pass by itself: the server's certificate is not to be trusted.
inline constexpr std::string_view kCertificateRefused = "certificate_refused";

// Where it goes while requests are under way, they end with kUnavailable. Its one timer may keep an io_context's run()
// from returning while it lives.
class HttpClient {
 public:
  static std::unique_ptr<HttpClient> open(const Executor& executor, ClientOptions options);
  virtual ~HttpClient() = default;

  // Sends and waits for the whole response, at most `timeout`. kUnavailable: no connection, or it broke before
  // a response; kTimedOut; kInvalidInput: the response was malformed or too long. Cancellation closes the connection,
  // so the server sees it. A kept-alive connection may break under a request, and nobody can tell whether the server
  // did it before. One that is `idempotent`, so that doing it twice does no harm, is then sent again once, on a new
  // connection, where no byte of a response had come. Any other is written once at most: it only gets a new connection
  // where the kept one is seen to be closed before a byte is written.
  virtual Task<Result<HttpResponse>> send(HttpRequest request, Millis timeout, bool idempotent = false) = 0;
};

}  // namespace facefleet::net
