#include "net/message_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <variant>

#include "base/limits.h"

namespace facefleet::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

std::string_view view(string_view text) { return {text.data(), text.size()}; }

// Fills a message as Beast hands over its pieces. `Message` is HttpRequest or HttpResponse.
template <bool is_request, class Message>
class Parser final : public http::basic_parser<is_request> {
 public:
  using State = MessageParser::State;

  explicit Parser(Message& into) : message_(into) {
    this->header_limit(limits::kHttpHeaderBytes);
    this->body_limit(boost::none);
  }

  std::size_t feed(BytesView bytes) {
    error_code error;
    const std::size_t taken = this->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error && error != http::error::need_more) {
      fail(error);
    } else if (this->is_done()) {
      state_ = State::kDone;
    } else if (this->is_header_done()) {
      state_ = State::kBody;
      this->eager(true);
    }
    return taken;
  }

  State state() const { return state_; }
  const MessageParser::Failure& failure() const { return failure_; }
  bool expects_continue() const { return expects_continue_; }
  bool is_http_1_0() const { return version_ < 11; }

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version, error_code&) override {
    if constexpr (is_request) {
      message_.method.assign(method.data(), method.size());
      message_.target.assign(target.data(), target.size());
      version_ = version;
    }
  }

  void on_response_impl(int status, string_view, int version, error_code&) override {
    if constexpr (!is_request) {
      message_.status = status;
      version_ = version;
    }
  }

  void on_field_impl(http::field field, string_view name, string_view value, error_code& error) override {
    if (this->is_header_done()) return;  // a trailer: nobody here asks for one, and it must not pass for a header
    if (field == http::field::host) ++hosts_;
    if (field == http::field::expect) expects_continue_ = equal_ignoring_case(view(value), "100-continue");
    // Any other coding, or one that only some readers would see, is a way to smuggle a second request.
    if (field == http::field::transfer_encoding && !equal_ignoring_case(view(value), "chunked"))
      error = http::error::bad_transfer_encoding;
    if (field == http::field::transfer_encoding && version_ < 11) error = http::error::bad_transfer_encoding;
    message_.headers.add(std::string(view(name)), std::string(view(value)));
  }

  // RFC 9112 section 3.2: exactly one Host, which only HTTP/1.0 may leave out.
  void on_header_impl(error_code& error) override {
    if constexpr (is_request)
      if (hosts_ > 1 || (hosts_ == 0 && version_ >= 11)) {
        failure_.sentence = "The request must have exactly one Host header.";
        error = http::error::bad_field;
      }
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  // Never called: bodies with a length, or that end with the connection, are not fed to this parser.
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }

  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    message_.body.append(body.data(), body.size());
    return body.size();
  }

  void on_finish_impl(error_code&) override {}

  void fail(error_code error) {
    state_ = State::kFailed;
    if (!failure_.sentence.empty()) return;
    if (error == http::error::header_limit) {
      failure_ = {431, "The header is longer than " + std::to_string(limits::kHttpHeaderBytes) + " bytes."};
    } else if (error == http::error::body_limit) {
      failure_ = {413, "The body is larger than is allowed here."};
    } else {
      failure_.sentence = "The message is not HTTP/1.1: " + error.message() + ".";
    }
  }

  Message& message_;
  MessageParser::Failure failure_;
  State state_ = State::kHeader;
  int version_ = 11;
  int hosts_ = 0;
  bool expects_continue_ = false;
};

using RequestParser = Parser<true, HttpRequest>;
using ResponseParser = Parser<false, HttpResponse>;

}  // namespace

struct MessageParser::Parsers {
  std::variant<std::monostate, RequestParser, ResponseParser> current;

  // Calls `ask` with the parser that is in use.
  template <class Ask>
  auto with(Ask ask) {
    if (auto* request = std::get_if<RequestParser>(&current)) return ask(*request);
    return ask(std::get<ResponseParser>(current));
  }
};

MessageParser::MessageParser() : parsers_(std::make_unique<Parsers>()) {}
MessageParser::~MessageParser() = default;

void MessageParser::start(HttpRequest& into) { parsers_->current.emplace<RequestParser>(into); }

void MessageParser::start(HttpResponse& into, bool bodiless) {
  parsers_->current.emplace<ResponseParser>(into).skip(bodiless);
}

std::size_t MessageParser::feed(BytesView bytes) {
  return parsers_->with([&](auto& parser) { return parser.feed(bytes); });
}

MessageParser::State MessageParser::state() const {
  return parsers_->with([](auto& parser) { return parser.state(); });
}

const MessageParser::Failure& MessageParser::failure() const {
  return *parsers_->with([](auto& parser) { return &parser.failure(); });
}

bool MessageParser::keep_alive() const {
  return parsers_->with([](auto& parser) { return parser.keep_alive(); });
}

bool MessageParser::is_http_1_0() const {
  return parsers_->with([](auto& parser) { return parser.is_http_1_0(); });
}

bool MessageParser::expects_continue() const {
  return parsers_->with([](auto& parser) { return parser.expects_continue(); });
}

bool MessageParser::is_chunked() const {
  return parsers_->with([](auto& parser) { return parser.chunked(); });
}

std::optional<std::uint64_t> MessageParser::content_length() const {
  return parsers_->with([](auto& parser) -> std::optional<std::uint64_t> {
    const auto length = parser.content_length();
    return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
  });
}

void MessageParser::limit_chunked_body(std::uint64_t bytes_max) {
  parsers_->with([&](auto& parser) { parser.body_limit(bytes_max); });
}

}  // namespace facefleet::net
