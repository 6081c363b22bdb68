// The whole error vocabulary. A function that can fail for a reason outside the program returns
// Result<T>; a bug of ours crashes. No exception crosses a room.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace facefleet {

// What the caller should do about a failure. Keep this list short: a new kind is worth a code only
// if some caller acts differently on it. At most ten.
enum class Code {
  kInvalidInput,  // The request is wrong; the same bytes will always fail.
  kNotFound,      // It is not there; ask for something else.
  kConflict,      // It is there already, or changed since it was read; read again and decide.
  kDenied,        // The caller may not do this.
  kBusy,          // A limit is reached; try again later.
  kUnavailable,   // A neighbour is down; retry with back-off.
  kTimedOut,      // The deadline passed; the work may or may not have happened.
  kCorrupt,       // Stored bytes fail their checksum; do not retry, report.
  kInternal,      // A bug of ours; the log has the rest.
};

// `invalid_input`, `not_found`, …: the form that logs, metrics and error envelopes show.
std::string_view to_string(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;  // one sentence for a person, that says what to do where there is something to do
  std::string reason;   // machine-readable, snake_case, finer than the code; may be empty
};

// Called by Result::value() on a failure; value() is for tests and for results known to be good.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

// Boost's result<T, E> with the one thing that it lacks: ignoring one is a compile error.
//
//     auto photo = co_await store.get(bucket, key);
//     if (!photo) co_return photo.error();
//     use(*photo);
template <class T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
 public:
  using boost::system::result<T, Error>::result;
  Result(Error error) : boost::system::result<T, Error>(boost::system::in_place_error, std::move(error)) {}
};

template <>
class [[nodiscard]] Result<void> : public boost::system::result<void, Error> {
 public:
  Result() : boost::system::result<void, Error>(boost::system::in_place_value) {}
  Result(Error error) : boost::system::result<void, Error>(boost::system::in_place_error, std::move(error)) {}
};

}  // namespace facefleet
