// Structured log lines on standard error: `time level event key=value …`.
//
// Never hand this a photo, a key, a secret or a label: job ids, counts and reasons are enough to
// follow a photo.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace facefleet {

struct LogField {
  LogField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const char* text) : key(field_key), value(text) {}
  template <class Number>
  requires std::integral<Number> || std::floating_point<Number> LogField(std::string_view field_key, Number number)
      : key(field_key), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};

// Thread-safe and cheap to copy; made by main and handed down.
class Log {
 public:
  // `role` names the process in every line: `gateway`, `worker i-0123…`.
  explicit Log(std::string_view role);

  // A log that drops everything, for tests.
  static Log silent();

  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) const;

 private:
  struct Sink;
  explicit Log(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  std::shared_ptr<Sink> sink_;
};

}  // namespace facefleet
