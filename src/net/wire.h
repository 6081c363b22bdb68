// What a message's way through a socket needs on both sides. Private to this room.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/limits.h"
#include "net/http.h"

namespace facefleet::net {

// Bytes that were received and not yet understood: headers, chunks, the beginning of a body.
class ReadBuffer {
 public:
  BytesView bytes() const { return {data_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  bool full() const { return end_ - begin_ == kBytesMax; }

  // Neither of these moves a byte, so a read into space() may be under way meanwhile.
  void consume(std::size_t size) { begin_ += size; }
  void clear() { begin_ = end_; }

  // Where to receive to; empty only if full().
  std::span<char> space() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == capacity_ && begin_ > 0) {
      std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == capacity_ && capacity_ < kBytesMax) grow();
    return {data_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t size) { end_ += size; }

 private:
  // A photo of 20 KB comes with its header in one read.
  static constexpr std::size_t kBytesAtFirst = 32 * 1024;
  static constexpr std::size_t kBytesMax = 2 * limits::kHttpHeaderBytes;

  void grow() {
    const std::size_t capacity = capacity_ == 0 ? kBytesAtFirst : capacity_ * 2;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (end_ > 0) std::memcpy(larger.get(), data_.get(), end_);
    data_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Receives a body of a stated length straight into its place. Grows with what has come, not with what
// was promised, so that a promise costs no memory.
class BodyFill {
 public:
  BodyFill(Bytes& body, std::uint64_t total) : body_(body), total_(total) {}

  bool complete() const { return filled_ == total_; }
  std::size_t filled() const { return filled_; }
  // How large the body is, or space() makes it.
  std::size_t size() const {
    if (complete() || filled_ < body_.size()) return body_.size();
    return std::min<std::uint64_t>(total_, std::max(filled_ * 2, kStep));
  }

  void take_from(ReadBuffer& in) {
    if (in.empty()) return;
    const BytesView bytes = in.bytes().substr(0, std::min<std::uint64_t>(total_ - filled_, in.bytes().size()));
    body_.resize(filled_);
    body_.append(bytes);
    filled_ += bytes.size();
    in.consume(bytes.size());
  }

  std::span<char> space() {
    body_.resize(size());
    return {body_.data() + filled_, body_.size() - filled_};
  }
  void commit(std::size_t size) { filled_ += size; }

 private:
  static constexpr std::size_t kStep = 64 * 1024;

  Bytes& body_;
  std::uint64_t total_;
  std::size_t filled_ = 0;
};

// A header and a body on their way out, in one gathering write.
class Outgoing {
 public:
  Outgoing(BytesView head, BytesView body) : rest_{boost::asio::buffer(head), boost::asio::buffer(body)} {}

  const std::array<boost::asio::const_buffer, 2>& buffers() const { return rest_; }
  bool complete() const { return rest_[0].size() + rest_[1].size() == 0; }

  void commit(std::size_t size) {
    const std::size_t of_head = std::min(size, rest_[0].size());
    rest_[0] += of_head;
    rest_[1] += size - of_head;
  }

 private:
  std::array<boost::asio::const_buffer, 2> rest_;
};

// Appends `name: value` and a line end. A control character, which could begin a header or message of a stranger's
// making, becomes a blank.
inline void append_field(std::string& head, std::string_view name, std::string_view value) {
  const std::size_t from = head.size();
  head.append(name).append(": ").append(value);
  for (auto c = head.begin() + static_cast<std::ptrdiff_t>(from); c != head.end(); ++c)
    if (static_cast<unsigned char>(*c) < ' ' || *c == 0x7f) *c = ' ';
  head.append("\r\n");
}

}  // namespace facefleet::net
