// For tests only: the other end of a connection, byte by byte. Failures throw.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "base/bytes.h"
#include "base/task.h"

namespace facefleet::net {

class RawPeer {
 public:
  explicit RawPeer(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}
  explicit RawPeer(const Executor& executor) : socket_(executor) {}

  Task<> connect(std::uint16_t port, std::string host = "127.0.0.1") {
    const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(host), port);
    co_await socket_.async_connect(endpoint, asio::use_awaitable);
  }

  Task<> write(std::string bytes) { co_await asio::async_write(socket_, asio::buffer(bytes), asio::use_awaitable); }

  // All up to and with `mark`; what was received behind it stays for the next call. Throws at the connection's end.
  Task<std::string> read_until(std::string mark) {
    for (;;) {
      const std::size_t at = received_.find(mark);
      if (at != std::string::npos) {
        const std::string out = received_.substr(0, at + mark.size());
        received_.erase(0, at + mark.size());
        co_return out;
      }
      const bool more = co_await receive();
      if (!more) throw std::runtime_error("the connection ended after: " + received_);
    }
  }

  Task<std::string> read_exactly(std::size_t size) {
    while (received_.size() < size) {
      const bool more = co_await receive();
      if (!more) throw std::runtime_error("the connection ended after: " + received_);
    }
    const std::string out = received_.substr(0, size);
    received_.erase(0, size);
    co_return out;
  }

  // All up to the connection's end, be it a close or a reset.
  Task<std::string> read_to_end() {
    for (bool more = true; more;) more = co_await receive();
    std::string out;
    out.swap(received_);
    co_return out;
  }

  void close() { socket_.close(); }
  asio::ip::tcp::socket& socket() { return socket_; }

 private:
  Task<bool> receive() {
    const std::size_t had = received_.size();
    received_.resize(had + 16 * 1024);
    const auto space = asio::buffer(received_.data() + had, received_.size() - had);
    const auto [error, size] = co_await socket_.async_read_some(space, asio::as_tuple(asio::deferred));
    received_.resize(had + size);
    co_return !error;
  }

  asio::ip::tcp::socket socket_;
  std::string received_;
};

}  // namespace facefleet::net
