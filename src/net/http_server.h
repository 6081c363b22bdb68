// An HTTP/1.1 server: keep-alive, pipelining one at a time, Expect: 100-continue, limits on header,
// body, time and connections. Everything runs on the executor's (one) thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"

namespace facefleet::net {

// Answers one request. Called on the I/O thread; the request lives until the task ends. When the
// client's connection closes first, the task is cancelled (Asio's terminal cancellation), so a
// long poll can stop waiting. An exception that escapes is a bug: it is logged and answered with 500.
using Handler = std::function<Task<HttpResponse>(HttpRequest&)>;

// Called when the header has been read, before the body: how large a body this request may have, and
// whether to refuse it now (a response) without reading the body. The header's fields are all there.
struct Admission {
  std::uint64_t body_bytes_max = 1'048'576;
  std::optional<HttpResponse> refusal;
  // The handler is called at once and takes the body from request.pieces, as it comes. A client that waits for 100
  // Continue is told to go on when the handler asks for the first piece. What is left unread ends the connection.
  bool in_pieces = false;
};
using Admit = std::function<Admission(const HttpRequest&)>;

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;                                  // 0: any free one
  std::size_t connections_max = limits::kHttpConnections;  // further ones are answered 503
  Millis idle_timeout{limits::kHttpIdleConnectionMs};      // between requests
  Millis header_timeout{limits::kHttpHeaderReadMs};        // from a header's first byte to its last
  Millis stall_timeout{limits::kHttpBodyStallMs};          // of a body, either way, without one byte of progress
  // A body that is read whole has so long, and a second more for each so many bytes that have come of it: else 408.
  Millis body_grace{limits::kHttpBodyGraceMs};
  std::uint64_t body_bytes_per_s = limits::kHttpBodyBytesPerS;
  // Of all bodies that are read whole, from their arrival until their handlers are done with them (net/body.h), counted
  // as far as they have come: a promise costs no memory. What would exceed it is answered 503 with Retry-After and
  // given up, rather than kept waiting: bodies that wait for each other's room would hold it for nothing. A body that
  // is alone is bounded by its admission only.
  std::uint64_t bodies_bytes_max = limits::kHttpBodiesBytes;
  // Turns the server's own refusals (400 malformed, 408, 413, 431, 503) into this service's error form; absent:
  // plain text.
  std::function<HttpResponse(int status, std::string sentence)> error_response;
};

class HttpServer {
 public:
  // Binds and listens at once; kConflict if the port is taken, with a sentence naming it.
  static Result<std::unique_ptr<HttpServer>> listen(const Executor& executor, ServerOptions options, Admit admit,
                                                    Handler handler, Log log);
  // Closes everything. Handlers that still run are cancelled, and end when the I/O thread next turns to them: drain
  // first where they use what goes away with the server.
  virtual ~HttpServer() = default;

  virtual std::uint16_t port() const = 0;

  // Stops accepting, lets running requests finish until `deadline`, then closes all connections.
  virtual Task<> drain(std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace facefleet::net
