#include "net/http_client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <vector>

#include "net/deadline_sweep.h"
#include "net/message_parser.h"
#include "net/wire.h"

namespace facefleet::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket&>;
constexpr auto kAsTuple = asio::as_tuple(asio::deferred);

// One connection: to be made, in use, or kept for the next request.
struct Link {
  explicit Link(const Executor& executor) : resolver(executor), socket(executor) {}

  // Whatever is under way on it ends with an error.
  void close() {
    error_code ignored;
    resolver.cancel();
    socket.close(ignored);
  }

  // Whether nothing has come since the last response. What has is the server's close, or something that nobody asked
  // for, which will end in one.
  bool is_quiet() {
    char byte = 0;
    error_code error;
    socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
    return error == asio::error::would_block;
  }

  Task<error_code> read(std::span<char> space, std::size_t& size) {
    const auto target = asio::buffer(space.data(), space.size());
    error_code error;
    if (tls) {
      std::tie(error, size) = co_await tls->async_read_some(target, kAsTuple);
    } else {
      std::tie(error, size) = co_await socket.async_read_some(target, kAsTuple);
    }
    co_return error;
  }

  Task<error_code> write(BytesView head, BytesView body) {
    Outgoing out(head, body);
    error_code error;
    std::size_t size = 0;
    while (!error && !out.complete()) {
      if (tls) {
        std::tie(error, size) = co_await asio::async_write(*tls, out.buffers(), kAsTuple);
      } else {
        size = socket.write_some(out.buffers(), error);
        if (error == asio::error::would_block)
          std::tie(error, size) = co_await socket.async_write_some(out.buffers(), kAsTuple);
      }
      out.commit(size);
    }
    co_return error;
  }

  tcp::resolver resolver;
  tcp::socket socket;
  std::unique_ptr<TlsStream> tls;  // over `socket`
  ReadBuffer in;
  MessageParser parser;
  MonoTime deadline = MonoTime::max();  // of what is under way; past it, the sweep closes the link
  bool timed_out = false;
  bool connected = false;
  MonoTime idle_since;
  std::size_t index = 0;  // in Pool::busy
};

// The links to one origin. Lives until its last request has ended, should the client go before.
struct Pool {
  using Waiting = OneShot<std::unique_ptr<Link>>;

  Pool(const Executor& on, ClientOptions client_options)
      : executor(on), options(std::move(client_options)), sweep(on, [this](MonoTime now) { return expire(now); }) {
    error_code ignored;
    const bool bare_v6 = options.host.find(':') != std::string::npos;
    authority = bare_v6 ? "[" + options.host + "]" : options.host;
    if (options.port != (options.tls ? 443 : 80)) authority += ":" + std::to_string(options.port);
    if (!options.tls) return;
    context.emplace(asio::ssl::context::tls_client);
    context->set_verify_mode(asio::ssl::verify_peer, ignored);
    if (options.ca_file.empty()) {
      context->set_default_verify_paths(context_error);  // heeds SSL_CERT_FILE and SSL_CERT_DIR
    } else {
      context->load_verify_file(options.ca_file, context_error);
    }
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  }

  MonoTime expire(MonoTime now) {
    MonoTime next = MonoTime::max();
    for (Link* link : busy) {
      if (link->deadline <= now) {
        link->deadline = MonoTime::max();
        link->timed_out = true;
        link->close();
      }
      next = std::min(next, link->deadline);
    }
    return next;
  }

  void set_deadline(Link& link, MonoTime deadline) {
    link.deadline = deadline;
    sweep.arm(deadline);
  }

  // A kept link, one to be connected, or null where all are in use.
  std::unique_ptr<Link> try_take() {
    const MonoTime now = clock.now();
    while (!kept.empty()) {
      auto link = std::move(kept.back());
      kept.pop_back();
      if (now - link->idle_since < Millis(limits::kHttpClientIdleMs)) return link;
      --links;
    }
    if (links >= options.connections_max) return nullptr;
    ++links;
    return std::make_unique<Link>(executor);
  }

  // Hands the link, or its place if it is of no more use, to the first that waits.
  void give_back(std::unique_ptr<Link> link) {
    if (!link->connected) link = std::make_unique<Link>(executor);
    while (!closed && !waiting.empty()) {
      const std::shared_ptr<Waiting> first = waiting.front().lock();
      waiting.pop_front();
      if (!first) continue;
      first->set(std::move(link));
      return;
    }
    if (!link->connected || closed) {
      --links;
      return;
    }
    link->idle_since = clock.now();
    kept.push_back(std::move(link));
  }

  const Executor executor;
  const ClientOptions options;
  std::string authority;  // the Host header's value
  std::optional<asio::ssl::context> context;
  error_code context_error;
  SystemClock clock;                        // of sockets' deadlines
  std::uint32_t links = 0;                  // in use or kept
  std::vector<std::unique_ptr<Link>> kept;  // the most recently used last
  std::vector<Link*> busy;
  std::deque<std::weak_ptr<Waiting>> waiting;  // one that has given up is gone
  bool closed = false;
  DeadlineSweep sweep;
};

// A link in use; goes back to the pool when this ends, closed unless keep() was called.
class Lease {
 public:
  Lease(std::shared_ptr<Pool> pool, std::unique_ptr<Link> link) : pool_(std::move(pool)), link_(std::move(link)) {
    link_->index = pool_->busy.size();
    pool_->busy.push_back(link_.get());
  }
  ~Lease() {
    pool_->busy.back()->index = link_->index;
    std::swap(pool_->busy[link_->index], pool_->busy.back());
    pool_->busy.pop_back();
    link_->deadline = MonoTime::max();
    if (!keep_) discard();
    pool_->give_back(std::move(link_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Link& link() { return *link_; }
  void keep() { keep_ = true; }

  // Puts a fresh link in the place of one that the server has closed.
  void renew() {
    const std::size_t index = link_->index;
    discard();
    link_ = std::make_unique<Link>(pool_->executor);
    link_->index = index;
    pool_->busy[index] = link_.get();
  }

 private:
  void discard() {
    link_->close();
    link_->connected = false;
  }

  std::shared_ptr<Pool> pool_;
  std::unique_ptr<Link> link_;
  bool keep_ = false;
};

Error unavailable(const Pool& pool, std::string_view what, error_code error) {
  return {Code::kUnavailable, std::string(what) + " " + pool.authority + ": " + error.message() + ".",
          "connection_failed"};
}

Error timed_out(const Pool& pool) {
  return {Code::kTimedOut, pool.authority + " did not answer in time.", "timed_out"};
}

Task<error_code> resolve(const Pool& pool, Link& link, std::vector<tcp::endpoint>& endpoints) {
  error_code error;
  const auto literal = asio::ip::make_address(pool.options.host, error);
  if (!error) {
    endpoints.emplace_back(literal, pool.options.port);
    co_return error;
  }
  const std::string port = std::to_string(pool.options.port);
  auto [failure, found] = co_await link.resolver.async_resolve(pool.options.host, port, kAsTuple);
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  co_return failure;
}

// Asks OpenSSL for a certificate of this host, and tells the server which one is meant.
void expect_host(SSL* tls, const std::string& host) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(tls);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  error_code not_literal;
  asio::ip::make_address(host, not_literal);
  if (not_literal) {
    X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size());
    SSL_set_tlsext_host_name(tls, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str());
  }
}

// What is wrong with the certificate that `result` (X509_V_ERR_…) is about, and what to do.
std::string certificate_sentence(const Pool& pool, long result) {
  const std::string certificate = "The certificate of " + pool.authority + " ";
  switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return certificate + "is another host's: call the server by a name that its certificate has.";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return certificate + "has expired: its owner must renew it, or this machine's clock is wrong.";
    case X509_V_ERR_CERT_NOT_YET_VALID: return certificate + "is not valid yet: this machine's clock may be wrong.";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return certificate + "is signed by nobody that " +
             (pool.options.ca_file.empty() ? "this machine trusts: install its authority's certificate, or name a "
                                             "file with it in AWS_CA_BUNDLE or SSL_CERT_FILE."
                                           : pool.options.ca_file + " names: add its authority's certificate there.");
    default: return certificate + "is refused: " + X509_verify_cert_error_string(result) + ".";
  }
}

Error tls_failed(const Pool& pool, Link& link, error_code error) {
  if (pool.context_error)
    return {Code::kUnavailable,
            "Cannot read the certificates to trust in " + pool.options.ca_file + ": " + error.message() + ".",
            std::string(kCertificateRefused)};
  const long result = SSL_get_verify_result(link.tls->native_handle());
  if (result != X509_V_OK)
    return {Code::kUnavailable, certificate_sentence(pool, result), std::string(kCertificateRefused)};
  Error failed = unavailable(pool, "Cannot agree on TLS with", error);
  if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER)
    failed.message += " It may speak plain http://.";
  return failed;
}

Task<error_code> handshake(Pool& pool, Link& link) {
  if (pool.context_error) co_return pool.context_error;
  link.tls = std::make_unique<TlsStream>(link.socket, *pool.context);
  expect_host(link.tls->native_handle(), pool.options.host);
  const auto [error] = co_await link.tls->async_handshake(asio::ssl::stream_base::client, kAsTuple);
  co_return error;
}

Task<Result<void>> connect(Pool& pool, Link& link) {
  std::vector<tcp::endpoint> endpoints;
  error_code error = co_await resolve(pool, link, endpoints);
  if (!error) std::tie(error, std::ignore) = co_await asio::async_connect(link.socket, endpoints, kAsTuple);
  if (error) co_return unavailable(pool, "Cannot connect to", error);
  link.socket.set_option(tcp::no_delay(true), error);
  link.socket.non_blocking(true, error);
  if (pool.options.tls) {
    error = co_await handshake(pool, link);
    if (error) co_return tls_failed(pool, link, error);
  }
  link.connected = true;
  co_return Result<void>();
}

// What one request makes of a link.
struct Exchange {
  bool heard = false;  // at least one byte of a response has come
  bool keep = false;   // the link is good for another request
};

Error broken(const Pool& pool, error_code error) { return unavailable(pool, "No whole response came from", error); }

Error too_long(const Pool& pool) {
  return {Code::kInvalidInput,
          "The response of " + pool.authority + " is longer than " + std::to_string(pool.options.body_bytes_max) +
              " bytes.",
          "response_too_long"};
}

Error malformed(const Pool& pool, const MessageParser::Failure& failure) {
  if (failure.status == 413) return too_long(pool);
  return {Code::kInvalidInput, "The response of " + pool.authority + " is malformed: " + failure.sentence,
          "response_malformed"};
}

// Reads more into link.in.
Task<error_code> fill(Link& link) {
  std::size_t size = 0;
  const error_code error = co_await link.read(link.in.space(), size);
  link.in.commit(size);
  co_return error;
}

Task<Result<void>> read_header(const Pool& pool, Link& link, HttpResponse& response, bool bodiless, Exchange& state) {
  link.parser.start(response, bodiless);
  for (;;) {
    while (!link.in.empty()) {
      link.in.consume(link.parser.feed(link.in.bytes()));
      if (link.parser.state() == MessageParser::State::kFailed) co_return malformed(pool, link.parser.failure());
      if (link.parser.state() == MessageParser::State::kHeader) break;
      if (response.status >= 200) co_return Result<void>();
      response.headers.clear();  // 100 Continue and its like come before the response
      link.parser.start(response, bodiless);
    }
    const error_code error = co_await fill(link);
    state.heard = state.heard || !link.in.empty();
    if (error) co_return broken(pool, error);
  }
}

Task<Result<void>> read_exactly(const Pool& pool, Link& link, Bytes& into, std::uint64_t total) {
  if (total > pool.options.body_bytes_max) co_return too_long(pool);
  BodyFill body(into, total);
  body.take_from(link.in);
  while (!body.complete()) {
    std::size_t size = 0;
    const error_code error = co_await link.read(body.space(), size);
    body.commit(size);
    if (error && !body.complete()) co_return broken(pool, error);
  }
  co_return Result<void>();
}

Task<Result<void>> read_chunks(const Pool& pool, Link& link) {
  const MessageParser::Failure endless{400, "a chunk header does not end."};
  link.parser.limit_chunked_body(pool.options.body_bytes_max);
  for (;;) {
    if (!link.in.empty()) {
      link.in.consume(link.parser.feed(link.in.bytes()));
      if (link.parser.state() == MessageParser::State::kDone) co_return Result<void>();
      if (link.parser.state() == MessageParser::State::kFailed) co_return malformed(pool, link.parser.failure());
      if (link.in.full()) co_return malformed(pool, endless);
    }
    const error_code error = co_await fill(link);
    if (error) co_return broken(pool, error);
  }
}

Task<Result<void>> read_to_end(const Pool& pool, Link& link, Bytes& into) {
  for (;;) {
    into.append(link.in.bytes());
    link.in.clear();
    if (into.size() > pool.options.body_bytes_max) co_return too_long(pool);
    const error_code error = co_await fill(link);
    if (error == asio::error::eof && link.in.empty()) co_return Result<void>();
    if (error) co_return broken(pool, error);
  }
}

Task<Result<HttpResponse>> exchange(const Pool& pool, Link& link, const std::string& head, const HttpRequest& request,
                                    Exchange& state) {
  // A server may refuse and close before it has read the whole request, so a failed write does not mean that
  // there is nothing to read.
  const error_code write_error = co_await link.write(head, request.body);
  HttpResponse response;
  Result<void> read = co_await read_header(pool, link, response, request.method == "HEAD", state);
  bool ends_with_connection = false;
  if (read && link.parser.state() != MessageParser::State::kDone) {
    if (const auto length = link.parser.content_length()) {
      read = co_await read_exactly(pool, link, response.body, *length);
    } else if (link.parser.is_chunked()) {
      read = co_await read_chunks(pool, link);
    } else {
      ends_with_connection = true;
      read = co_await read_to_end(pool, link, response.body);
    }
  }
  if (!read) co_return read.error();
  state.keep = !write_error && !ends_with_connection && link.parser.keep_alive() && link.in.empty();
  co_return response;
}

bool is_sendable(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(),
                                       [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
}

std::string request_head(const Pool& pool, const HttpRequest& request) {
  std::string head;
  head.reserve(1'024);
  head.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  if (!request.headers.get("Host")) append_field(head, "Host", pool.authority);
  bool has_length = false;
  for (const auto& [name, value] : request.headers.all()) {
    has_length = has_length || equal_ignoring_case(name, "Content-Length");
    append_field(head, name, value);
  }
  const bool expects_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!has_length && (expects_body || !request.body.empty()))
    append_field(head, "Content-Length", std::to_string(request.body.size()));
  head.append("\r\n");
  return head;
}

Task<std::unique_ptr<Link>> take_link(std::shared_ptr<Pool> pool, MonoTime deadline) {
  auto link = pool->try_take();
  if (link) co_return link;
  const auto waiting = std::make_shared<Pool::Waiting>(pool->executor);
  pool->waiting.push_back(waiting);
  auto handed = co_await waiting->wait_until(deadline);
  if (handed) link = *std::move(handed);
  co_return link;
}

// One try: connects the link where that is still to be done, sends, reads the response.
Task<Result<HttpResponse>> attempt(Pool& pool, Link& link, const std::string& head, const HttpRequest& request,
                                   MonoTime deadline, Exchange& state) {
  if (!link.connected) {
    pool.set_deadline(link, std::min(deadline, pool.clock.now() + pool.options.connect_timeout));
    const Result<void> connected = co_await connect(pool, link);
    if (!connected && link.timed_out) co_return unavailable(pool, "Cannot connect to", asio::error::timed_out);
    if (!connected) co_return connected.error();
  }
  pool.set_deadline(link, deadline);
  co_return co_await exchange(pool, link, head, request, state);
}

Task<Result<HttpResponse>> send_in(std::shared_ptr<Pool> pool, HttpRequest request, Millis timeout, bool idempotent) {
  if (!is_sendable(request.method) || !is_sendable(request.target))
    co_return Error{Code::kInvalidInput, "The method or the target has a blank in it; percent-encode the target.",
                    "bad_target"};
  const MonoTime deadline = pool->clock.now() + timeout;
  auto link = co_await take_link(pool, deadline);
  if (!link) co_return timed_out(*pool);
  Lease lease(pool, std::move(link));
  if (!idempotent && lease.link().connected && !lease.link().is_quiet()) lease.renew();
  const std::string head = request_head(*pool, request);
  for (;;) {
    const bool reused = lease.link().connected;
    Exchange state;
    Result<HttpResponse> response = co_await attempt(*pool, lease.link(), head, request, deadline, state);
    if (response && state.keep) lease.keep();
    if (response) co_return response;
    const asio::cancellation_state cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none)
      throw boost::system::system_error(asio::error::operation_aborted);
    if (lease.link().timed_out && pool->clock.now() >= deadline) co_return timed_out(*pool);
    const bool stale =
        idempotent && reused && !pool->closed && !state.heard && response.error().code == Code::kUnavailable;
    if (!stale) co_return response;
    lease.renew();
  }
}

class PooledClient final : public HttpClient {
 public:
  explicit PooledClient(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}

  ~PooledClient() override {
    pool_->closed = true;
    pool_->sweep.stop();
    pool_->kept.clear();
    for (Link* link : pool_->busy) link->close();
  }

  Task<Result<HttpResponse>> send(HttpRequest request, Millis timeout, bool idempotent) override {
    return send_in(pool_, std::move(request), timeout, idempotent);
  }

 private:
  std::shared_ptr<Pool> pool_;
};

}  // namespace

ClientOptions options_for(const Url& url) {
  ClientOptions options;
  options.host = url.host;
  options.port = url.port;
  options.tls = url.tls;
  return options;
}

std::unique_ptr<HttpClient> HttpClient::open(const Executor& executor, ClientOptions options) {
  return std::make_unique<PooledClient>(std::make_shared<Pool>(executor, std::move(options)));
}

}  // namespace facefleet::net
