// Reads one HTTP/1.1 message out of bytes as they come: Beast's parser, made stricter where RFC 9112 lets
// senders smuggle, behind a face that shows none of it. Private to this room. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "net/http.h"

namespace facefleet::net {

class MessageParser {
 public:
  enum class State {
    kHeader,  // wants more of the header
    kBody,    // the header is complete and a body follows
    kDone,    // the message is complete
    kFailed   // failure() says why
  };

  struct Failure {
    int status = 400;  // what a server answers
    std::string sentence;
  };

  MessageParser();
  ~MessageParser();

  // Begins a message, which is written to `into` as it is read; `into` must be empty and outlive the parsing.
  void start(HttpRequest& into);
  // `bodiless`: the response to a HEAD request.
  void start(HttpResponse& into, bool bodiless);

  // Takes a message's next bytes and returns how many it took; the rest has to be presented again, with more.
  // Stops behind the header. Then feed it chunked bodies only: others are the caller's to read, as
  // content_length() says or to the end of the connection.
  std::size_t feed(BytesView bytes);

  State state() const;
  const Failure& failure() const;

  // All of these once the header is complete.
  bool keep_alive() const;
  bool is_http_1_0() const;
  bool expects_continue() const;
  bool is_chunked() const;
  std::optional<std::uint64_t> content_length() const;
  void limit_chunked_body(std::uint64_t bytes_max);

 private:
  struct Parsers;
  std::unique_ptr<Parsers> parsers_;
};

}  // namespace facefleet::net
