#include "net/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <ctime>
#include <exception>

#include "net/body.h"
#include "net/deadline_sweep.h"
#include "net/message_parser.h"
#include "net/wire.h"

namespace facefleet::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Waiter = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;
constexpr auto kAsTuple = asio::as_tuple(asio::deferred);
constexpr std::string_view kRetryAfterS = "1";  // what is said where the server is full
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

enum class Phase {
  kIdle,     // between requests; past its deadline it is closed
  kHeader,   // past its deadline: 408
  kBody,     // past its deadline: 408
  kHandler,  // no deadline: the handler sets its own
  kWriting,  // past its deadline it is closed
  kLinger    // past its deadline it is closed
};

struct Connection : std::enable_shared_from_this<Connection> {
  Connection(tcp::socket accepted, std::string address) : socket(std::move(accepted)), remote(std::move(address)) {}

  // Receives into `in` unless that is already under way. One such read waits while a handler runs: it is how the
  // peer's close is noticed, and it is the next request's first read, so noticing costs nothing.
  void start_reading() {
    if (reading || input_ended || lent || in.full()) return;
    reading = true;
    const auto space = in.space();
    socket.async_read_some(
        asio::buffer(space.data(), space.size()),
        [self = shared_from_this()](error_code error, std::size_t size) { self->on_read(error, size); });
  }

  void on_read(error_code error, std::size_t size) {
    reading = false;
    in.commit(size);
    input_ended = error.failed();
    if (waiter) {
      Waiter resume = *std::move(waiter);
      waiter.reset();
      std::move(resume)();
    } else if (phase == Phase::kHandler) {
      if (input_ended) {
        cancel.emit(asio::cancellation_type::terminal);
      } else {
        start_reading();
      }
    }
  }

  // Waits until `in` has more bytes or input_ended. `in` must not be full.
  Task<> more_input() {
    start_reading();
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this](auto handler) { waiter.emplace(std::move(handler)); }, asio::use_awaitable);
  }

  void expire() {
    deadline = MonoTime::max();
    error_code ignored;
    if (phase == Phase::kHeader || phase == Phase::kBody) {
      timed_out = true;
      socket.cancel(ignored);
      return;
    }
    // A peer that does not read would leave a plain close's response in the kernel's memory for minutes.
    if (phase == Phase::kWriting) socket.set_option(tcp::socket::linger(true, 0), ignored);
    close();
  }

  void close() {
    error_code ignored;
    socket.close(ignored);
  }

  // Closes it from outside its coroutine, whatever that waits for.
  void abort() {
    close();
    if (phase == Phase::kHandler) cancel.emit(asio::cancellation_type::terminal);
  }

  tcp::socket socket;
  const std::string remote;
  std::size_t index = 0;  // in Core::connections
  ReadBuffer in;
  bool reading = false;
  bool lent = false;         // a handler has bytes of `in`, which therefore must stay where they are
  bool input_ended = false;  // no further byte will come: the peer closed, or we stopped listening
  bool timed_out = false;
  std::optional<Waiter> waiter;  // the connection's coroutine, while it waits for input
  asio::cancellation_signal cancel;
  Phase phase = Phase::kIdle;
  MonoTime deadline = MonoTime::max();
  MessageParser parser;
  HttpRequest request;
  std::uint64_t body_held = 0;  // what request.body counts in Core::bodies_held
  MonoTime body_began{};
  MessageParser::Failure failure;  // why a request is refused
  std::string head;                // of the response
};

// What the connections of one server share. Lives until the last of them has ended.
struct Core {
  Core(const Executor& executor, ServerOptions server_options, Admit on_header, Handler on_request, Log server_log)
      : options(std::move(server_options)),
        admit(std::move(on_header)),
        handler(std::move(on_request)),
        log(std::move(server_log)),
        acceptor(executor),
        emptied(executor),
        sweep(executor, [this](MonoTime now) { return expire(now); }) {}

  MonoTime expire(MonoTime now) {
    MonoTime next = MonoTime::max();
    for (const auto& connection : connections) {
      if (connection->deadline <= now) connection->expire();
      next = std::min(next, connection->deadline);
    }
    return next;
  }

  void enter(Connection& c, Phase phase, Millis timeout) {
    c.phase = phase;
    c.deadline = clock.now() + timeout;
    sweep.arm(c.deadline);
  }

  // Waits for more of a body of which `size` bytes have come.
  void enter_body(Connection& c, std::size_t size) {
    const Millis earned(size * 1'000 / options.body_bytes_per_s);
    const auto left = std::chrono::duration_cast<Millis>(c.body_began + options.body_grace + earned - clock.now());
    enter(c, Phase::kBody, std::min(options.stall_timeout, left));
  }

  // Counts `size` bytes for the body that `c` holds, in place of what it counted before. False: there is no room.
  bool hold_body(Connection& c, std::uint64_t size) {
    const std::uint64_t others = bodies_held - c.body_held;
    if (size > c.body_held && others > 0 && others + size > options.bodies_bytes_max) return false;
    bodies_held = others + size;
    c.body_held = size;
    return true;
  }

  void free_body(Connection& c) {
    c.request.body = Bytes();
    hold_body(c, 0);
  }

  void add(const std::shared_ptr<Connection>& connection) {
    connection->index = connections.size();
    connections.push_back(connection);
  }

  void remove(Connection& connection) {
    free_body(connection);
    connections.back()->index = connection.index;
    std::swap(connections[connection.index], connections.back());
    connections.pop_back();
    if (connections.empty()) emptied.cancel();
  }

  void close_acceptor() {
    error_code ignored;
    acceptor.close(ignored);
  }

  void abort_all() {
    const auto all = connections;
    for (const auto& connection : all) connection->abort();
  }

  // The Date header's value, written anew once a second (RFC 9110 section 6.6.1).
  std::string_view date() {
    const std::time_t second = clock.wall_ms() / 1'000;
    if (second != date_second) {
      date_second = second;
      std::tm parts{};
      gmtime_r(&second, &parts);
      std::array<char, 40> text{};
      date_text.assign(text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
    }
    return date_text;
  }

  HttpResponse refusal(const MessageParser::Failure& failure) const {
    HttpResponse response = options.error_response ? options.error_response(failure.status, failure.sentence)
                                                   : HttpResponse::text(failure.status, failure.sentence + "\n");
    if (failure.status == 503) response.headers.set("Retry-After", std::string(kRetryAfterS));
    response.close = true;
    return response;
  }

  const ServerOptions options;
  const Admit admit;
  const Handler handler;
  const Log log;
  SystemClock clock;  // of sockets' deadlines and the Date header
  tcp::acceptor acceptor;
  std::vector<std::shared_ptr<Connection>> connections;
  std::uint64_t bodies_held = 0;  // bytes
  bool draining = false;
  asio::steady_timer emptied;  // cancelled when the last connection ends
  DeadlineSweep sweep;
  std::time_t date_second = 0;
  std::string date_text;
};

// A connection's place in Core::connections, as long as its coroutine runs.
class Enrolment {
 public:
  Enrolment(Core& core, Connection& connection) : core_(core), connection_(connection) {
    core_.add(connection_.shared_from_this());
  }
  ~Enrolment() { core_.remove(connection_); }
  Enrolment(const Enrolment&) = delete;
  Enrolment& operator=(const Enrolment&) = delete;

 private:
  Core& core_;
  Connection& connection_;
};

enum class Read { kDone, kClosed, kRefused };

Read refuse(Connection& c, int status, std::string sentence) {
  c.failure.status = status;
  c.failure.sentence = std::move(sentence);
  return Read::kRefused;
}

Read input_over(Connection& c) {
  return c.timed_out ? refuse(c, 408, "The request took too long to arrive.") : Read::kClosed;
}

Read no_room(Connection& c) {
  return refuse(c, 503, "This server holds as many bytes of requests as it takes; try again later.");
}

// `GET http://host/path` means `GET /path` (RFC 9112 section 3.2.2).
void to_origin_form(std::string& target) {
  if (target.starts_with('/')) return;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string::npos) return;
  target.erase(0, target.find_first_of("/?", scheme + 3));
  if (!target.starts_with('/')) target.insert(0, "/");
}

Task<Read> read_header(Core& core, Connection& c) {
  c.request.method.clear();
  c.request.headers.clear();
  core.free_body(c);  // an idle connection keeps no memory of a large one
  c.request.remote = c.remote;
  c.parser.start(c.request);
  bool begun = false;
  for (;;) {
    if (!c.in.empty()) {
      begun = true;
      c.in.consume(c.parser.feed(c.in.bytes()));
      if (c.parser.state() == MessageParser::State::kFailed) {
        c.failure = c.parser.failure();
        co_return Read::kRefused;
      }
      if (c.parser.state() != MessageParser::State::kHeader) break;
    }
    if (c.input_ended) co_return input_over(c);
    if (!begun) {
      if (core.draining) co_return Read::kClosed;
      core.enter(c, Phase::kIdle, core.options.idle_timeout);
    } else if (c.phase != Phase::kHeader) {
      core.enter(c, Phase::kHeader, core.options.header_timeout);
    }
    co_await c.more_input();
  }
  to_origin_form(c.request.target);
  co_return Read::kDone;
}

// Returns whether all of it went out.
Task<bool> write(Core& core, Connection& c, BytesView head, BytesView body) {
  Outgoing out(head, body);
  for (;;) {
    error_code error;
    std::size_t size = c.socket.write_some(out.buffers(), error);
    if (error == asio::error::would_block) {
      core.enter(c, Phase::kWriting, core.options.stall_timeout);
      std::tie(error, size) = co_await c.socket.async_write_some(out.buffers(), kAsTuple);
    }
    if (error) co_return false;
    out.commit(size);
    if (out.complete()) co_return true;
  }
}

Task<Read> read_chunks(Core& core, Connection& c, std::uint64_t bytes_max) {
  c.parser.limit_chunked_body(bytes_max);
  for (;;) {
    if (!c.in.empty()) {
      c.in.consume(c.parser.feed(c.in.bytes()));
      if (!core.hold_body(c, c.request.body.size())) co_return no_room(c);
      if (c.parser.state() == MessageParser::State::kDone) co_return Read::kDone;
      if (c.parser.state() == MessageParser::State::kFailed) {
        c.failure = c.parser.failure();
        co_return Read::kRefused;
      }
      if (c.in.full()) co_return refuse(c, 400, "The body has a chunk header that does not end.");
    }
    if (c.input_ended) co_return input_over(c);
    core.enter_body(c, c.request.body.size());
    co_await c.more_input();
  }
}

Task<Read> read_exactly(Core& core, Connection& c, std::uint64_t total) {
  BodyFill body(c.request.body, total);
  for (;;) {
    body.take_from(c.in);
    if (!core.hold_body(c, body.size())) co_return no_room(c);
    if (body.complete()) co_return Read::kDone;
    if (c.input_ended) co_return input_over(c);
    core.enter_body(c, body.filled());
    if (c.reading) {  // begun while the request before this one was handled
      co_await c.more_input();
      continue;
    }
    const auto space = body.space();
    const auto target = asio::buffer(space.data(), space.size());
    error_code error;
    std::size_t size = c.socket.read_some(target, error);
    if (error == asio::error::would_block) std::tie(error, size) = co_await c.socket.async_read_some(target, kAsTuple);
    c.input_ended = error.failed();
    body.commit(size);
  }
}

Task<Read> read_body(Core& core, Connection& c, std::uint64_t bytes_max) {
  if (c.parser.state() == MessageParser::State::kDone) co_return Read::kDone;
  const auto length = c.parser.content_length();
  if (length && *length > bytes_max)
    co_return refuse(c, 413,
                     "The body has " + std::to_string(*length) + " bytes; at most " + std::to_string(bytes_max) +
                         " are allowed here.");
  if (c.parser.expects_continue() && c.in.empty()) {
    const bool sent = co_await write(core, c, kContinue, {});
    if (!sent) co_return Read::kClosed;
  }
  c.body_began = core.clock.now();
  if (length) co_return co_await read_exactly(core, c, *length);
  co_return co_await read_chunks(core, c, bytes_max);
}

// The body of a request that has been read whole.
class WholeBody final : public HeldBody {
 public:
  WholeBody(Core& core, Connection& c) : core_(core), c_(c) {}
  void release() override { core_.hold_body(c_, 0); }

 private:
  Core& core_;
  Connection& c_;
};

// The body of a request whose handler takes it in pieces, straight out of the connection's buffer.
class IncomingBody final : public BodyPieces {
 public:
  IncomingBody(Core& core, Connection& c, std::uint64_t bytes_max) : core_(core), c_(c), bytes_max_(bytes_max) {
    complete_ = c_.parser.state() == MessageParser::State::kDone;
    length_ = c_.parser.content_length();
    if (length_) left_ = *length_;
    if (!length_ && !complete_) c_.parser.limit_chunked_body(bytes_max_);
  }
  IncomingBody(const IncomingBody&) = delete;
  IncomingBody& operator=(const IncomingBody&) = delete;

  bool complete() const { return complete_; }

  // Takes back what the handler was given last.
  void give_back() {
    if (!std::exchange(c_.lent, false)) return;
    c_.in.consume(std::exchange(lent_bytes_, 0));
    c_.start_reading();
  }

  Task<Result<BytesView>> next() override {
    give_back();
    if (complete_) co_return BytesView();
    if (length_ && *length_ > bytes_max_)
      co_return Error{Code::kInvalidInput, "The body is larger than is allowed here.", "body_too_long"};
    if (!std::exchange(begun_, true) && c_.parser.expects_continue() && c_.in.empty()) {
      const bool sent = co_await write(core_, c_, kContinue, {});
      if (!sent) co_return Error{Code::kUnavailable, "The client has gone.", "client_gone"};
      wait_for_handler();
    }
    for (;;) {
      if (!c_.in.empty()) {
        const auto piece = length_ ? take_plain() : take_chunks();
        if (!piece || !piece->empty() || complete_) co_return piece;
      }
      if (c_.input_ended)
        co_return c_.timed_out ? Error{Code::kTimedOut, "The request took too long to arrive.", "request_timeout"}
                               : Error{Code::kUnavailable, "The client has gone.", "client_gone"};
      core_.enter(c_, Phase::kBody, core_.options.stall_timeout);
      co_await c_.more_input();
      wait_for_handler();
    }
  }

 private:
  void wait_for_handler() {
    c_.phase = Phase::kHandler;
    c_.deadline = MonoTime::max();
  }

  Result<BytesView> take_plain() {
    const BytesView piece = c_.in.bytes().substr(0, std::min<std::uint64_t>(left_, c_.in.bytes().size()));
    left_ -= piece.size();
    complete_ = left_ == 0;
    lent_bytes_ = piece.size();
    c_.lent = true;
    return piece;
  }

  Result<BytesView> take_chunks() {
    c_.request.body.clear();
    c_.in.consume(c_.parser.feed(c_.in.bytes()));
    complete_ = c_.parser.state() == MessageParser::State::kDone;
    if (c_.parser.state() == MessageParser::State::kFailed) {
      const bool too_long = c_.parser.failure().status == 413;
      return Error{Code::kInvalidInput, c_.parser.failure().sentence, too_long ? "body_too_long" : "malformed_body"};
    }
    if (c_.in.full() && c_.request.body.empty())
      return Error{Code::kInvalidInput, "The body has a chunk header that does not end.", "malformed_body"};
    return BytesView(c_.request.body);
  }

  Core& core_;
  Connection& c_;
  const std::uint64_t bytes_max_;
  std::optional<std::uint64_t> length_;
  std::uint64_t left_ = 0;
  std::size_t lent_bytes_ = 0;
  bool begun_ = false;
  bool complete_ = false;
};

// Sends a header and a body that is read meanwhile. Returns whether all of it went out.
Task<bool> write_pieces(Core& core, Connection& c, const HttpResponse& response) {
  BytesView head = c.head;
  for (std::uint64_t left = response.pieces_bytes; left > 0;) {
    c.phase = Phase::kHandler;
    c.deadline = MonoTime::max();
    const auto piece = co_await response.pieces->next();
    if (!piece || piece->empty() || piece->size() > left) {
      core.log.error("body broke off", {{"path", c.request.path()}, {"what", piece ? "" : piece.error().message}});
      co_return false;
    }
    left -= piece->size();
    const bool sent = co_await write(core, c, head, *piece);
    if (!sent) co_return false;
    head = {};
  }
  co_return true;
}

Task<bool> respond(Core& core, Connection& c, const HttpResponse& response, bool keep_alive, bool old_client) {
  const bool no_content = response.status < 200 || response.status == 204 || response.status == 304;
  const bool is_head = c.request.method == "HEAD";
  bool has_length = no_content;
  bool has_date = false;
  std::string& head = c.head;
  head.assign("HTTP/1.1 ");
  head.append(std::to_string(response.status)).append(" ").append(reason_phrase(response.status)).append("\r\n");
  for (const auto& [name, value] : response.headers.all()) {
    if (equal_ignoring_case(name, "Connection") || equal_ignoring_case(name, "Transfer-Encoding")) continue;
    if (equal_ignoring_case(name, "Content-Length")) {
      if (!is_head || has_length) continue;  // a response to HEAD tells of a body that is not sent
      has_length = true;
    }
    has_date = has_date || equal_ignoring_case(name, "Date");
    append_field(head, name, value);
  }
  const std::uint64_t length = response.pieces ? response.pieces_bytes : response.body.size();
  if (!has_length) append_field(head, "Content-Length", std::to_string(length));
  if (!has_date) append_field(head, "Date", core.date());
  if (!keep_alive) append_field(head, "Connection", "close");
  if (keep_alive && old_client) append_field(head, "Connection", "keep-alive");
  head.append("\r\n");
  if (response.pieces && response.pieces_bytes > 0 && !is_head && !no_content) return write_pieces(core, c, response);
  return write(core, c, head, is_head || no_content ? BytesView() : BytesView(response.body));
}

// Reads on for a while after a refusal: closing with unread bytes would reset the connection, and the reset could
// overtake the response.
Task<> linger(Core& core, Connection& c) {
  error_code error;
  c.socket.shutdown(tcp::socket::shutdown_send, error);
  if (core.draining) co_return;
  core.enter(c, Phase::kLinger, Millis(limits::kHttpLingerMs));
  std::size_t dropped = 0;
  while (!c.input_ended && dropped < limits::kHttpLingerBytes) {
    dropped += c.in.bytes().size();
    c.in.clear();
    co_await c.more_input();
  }
}

Task<> send_refusal(Core& core, Connection& c, const HttpResponse& response) {
  const bool sent = co_await respond(core, c, response, false, false);
  if (sent) co_await linger(core, c);
}

// The handler's response, or nothing where the connection is gone and nobody is left to read one.
Task<std::optional<HttpResponse>> run_handler(Core& core, Connection& c) {
  c.phase = Phase::kHandler;
  c.deadline = MonoTime::max();
  c.start_reading();
  std::optional<HttpResponse> response;
  std::exception_ptr failure;
  try {
    response = co_await core.handler(c.request);
  } catch (...) {
    failure = std::current_exception();
  }
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none || !c.socket.is_open()) co_return std::nullopt;
  if (!failure) co_return response;
  std::string what = "an exception of an unknown type";
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
  }
  core.log.error("handler threw", {{"method", c.request.method}, {"path", c.request.path()}, {"what", what}});
  MessageParser::Failure internal;
  internal.status = 500;
  internal.sentence = "Something went wrong in the server; its log says what.";
  co_return core.refusal(internal);
}

// Lets the handler answer and sends what it says. Returns whether another request may follow on this connection.
Task<bool> answer_request(Core& core, Connection& c, IncomingBody* body) {
  const bool may_keep = c.parser.keep_alive();
  const bool old_client = c.parser.is_http_1_0();
  const std::optional<HttpResponse> response = co_await run_handler(core, c);
  if (body != nullptr) body->give_back();
  c.request.pieces = nullptr;
  c.request.held = nullptr;
  core.free_body(c);
  if (!response) co_return false;
  const bool keep = may_keep && !response->close && !core.draining && (body == nullptr || body->complete());
  const bool sent = co_await respond(core, c, *response, keep, old_client);
  if (sent && !keep) co_await linger(core, c);
  co_return sent&& keep;
}

Task<bool> serve_in_pieces(Core& core, Connection& c, std::uint64_t bytes_max) {
  IncomingBody body(core, c, bytes_max);
  c.request.pieces = &body;
  const bool more = co_await answer_request(core, c, &body);
  co_return more;
}

// Serves one request. Returns whether another may follow on this connection.
Task<bool> serve_one(Core& core, Connection& c) {
  Read read = co_await read_header(core, c);
  if (read == Read::kDone) {
    Admission admission = core.admit(c.request);
    if (admission.refusal) {
      co_await send_refusal(core, c, *admission.refusal);
      co_return false;
    }
    if (admission.in_pieces) co_return co_await serve_in_pieces(core, c, admission.body_bytes_max);
    read = co_await read_body(core, c, admission.body_bytes_max);
  }
  if (read == Read::kRefused) {
    core.free_body(c);
    const HttpResponse refusal = core.refusal(c.failure);
    co_await send_refusal(core, c, refusal);
  }
  if (read != Read::kDone) co_return false;

  WholeBody body(core, c);
  c.request.held = &body;
  const bool more = co_await answer_request(core, c, nullptr);
  co_return more;
}

Task<> serve(std::shared_ptr<Core> core, std::shared_ptr<Connection> c) {
  const Enrolment enrolment(*core, *c);
  if (core->connections.size() > core->options.connections_max) {
    refuse(*c, 503, "This server has as many connections as it takes; try again later.");
    const HttpResponse refusal = core->refusal(c->failure);
    co_await send_refusal(*core, *c, refusal);
  } else {
    for (bool more = true; more;) more = co_await serve_one(*core, *c);
  }
  c->close();
}

void spawn(const std::shared_ptr<Core>& core, tcp::socket socket) {
  error_code ignored;
  const tcp::endpoint peer = socket.remote_endpoint(ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
  const auto executor = socket.get_executor();
  const auto c = std::make_shared<Connection>(std::move(socket), peer.address().to_string());
  auto ended = [core, c](const std::exception_ptr& failure) {
    c->close();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      const auto* system = dynamic_cast<const boost::system::system_error*>(&error);
      if (!system || system->code() != asio::error::operation_aborted)
        core->log.error("connection failed", {{"what", error.what()}});
    }
  };
  asio::co_spawn(executor, serve(core, c), asio::bind_cancellation_slot(c->cancel.slot(), std::move(ended)));
}

Task<> accept_all(std::shared_ptr<Core> core) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (;;) {
    auto [error, socket] = co_await core->acceptor.async_accept(kAsTuple);
    if (!core->acceptor.is_open()) co_return;
    if (error && error != asio::error::connection_aborted) {
      core->log.warn("cannot accept", {{"reason", error.message()}, {"connections", core->connections.size()}});
      pause.expires_after(Millis(limits::kHttpAcceptPauseMs));
      co_await pause.async_wait(kAsTuple);
    } else if (!error && core->connections.size() < core->options.connections_max + limits::kHttpRefusedConnections) {
      spawn(core, std::move(socket));
    }
  }
}

class Server final : public HttpServer {
 public:
  explicit Server(std::shared_ptr<Core> core) : core_(std::move(core)) {
    error_code ignored;
    port_ = core_->acceptor.local_endpoint(ignored).port();
    asio::co_spawn(core_->acceptor.get_executor(), accept_all(core_), [](const std::exception_ptr&) {});
  }

  ~Server() override {
    core_->close_acceptor();
    core_->sweep.stop();
    core_->abort_all();
    // A connection that waits for input holds its coroutine, which holds the connection.
    for (const auto& connection : core_->connections) connection->waiter.reset();
  }

  std::uint16_t port() const override { return port_; }

  Task<> drain(std::chrono::steady_clock::time_point deadline) override { return drain(core_, deadline); }

 private:
  static Task<> drain(std::shared_ptr<Core> core, MonoTime deadline) {
    core->draining = true;
    core->close_acceptor();
    const auto all = core->connections;
    for (const auto& connection : all)
      if (connection->phase == Phase::kIdle || connection->phase == Phase::kLinger) connection->close();
    co_await wait_until_empty(core, deadline);
    core->abort_all();
    co_await wait_until_empty(core, core->clock.now() + Millis(limits::kHttpCancelMs));
    core->sweep.stop();
  }

  static Task<> wait_until_empty(std::shared_ptr<Core> core, MonoTime deadline) {
    while (!core->connections.empty() && core->clock.now() < deadline) {
      core->emptied.expires_at(deadline);
      co_await core->emptied.async_wait(kAsTuple);
    }
  }

  std::shared_ptr<Core> core_;
  std::uint16_t port_ = 0;
};

Error cannot_listen(const ServerOptions& options, error_code error) {
  const std::string address = options.host + ":" + std::to_string(options.port);
  if (error == asio::error::address_in_use)
    return {Code::kConflict, address + " is taken: stop what listens there or choose another port.", "port_taken"};
  const Code code = error == asio::error::access_denied ? Code::kDenied : Code::kInvalidInput;
  return {code, "Cannot listen on " + address + ": " + error.message() + ".", "cannot_listen"};
}

error_code open_acceptor(tcp::acceptor& acceptor, const ServerOptions& options) {
  try {
    tcp::resolver resolver(acceptor.get_executor());
    const auto found = resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive);
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(tcp::acceptor::max_listen_connections);
    return {};
  } catch (const boost::system::system_error& error) {
    return error.code();
  }
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const Executor& executor, ServerOptions options, Admit admit,
                                                       Handler handler, Log log) {
  auto core =
      std::make_shared<Core>(executor, std::move(options), std::move(admit), std::move(handler), std::move(log));
  if (const error_code error = open_acceptor(core->acceptor, core->options)) return cannot_listen(core->options, error);
  return std::unique_ptr<HttpServer>(std::make_unique<Server>(std::move(core)));
}

}  // namespace facefleet::net
