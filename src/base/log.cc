#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>

namespace facefleet {

struct Log::Sink {
  explicit Sink(const std::string& role) : logger(role, std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    const char* level = std::getenv("FACEFLEET_LOG");
    logger.set_level(level != nullptr ? spdlog::level::from_str(level) : spdlog::level::info);
    logger.set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l [%n] %v");
    logger.flush_on(spdlog::level::info);
  }
  spdlog::logger logger;
};

namespace {

// One line whatever the values hold: a line break or control character is escaped, and a value with a
// blank in it is quoted.
void append_value(std::string& line, std::string_view value) {
  const bool quoted = value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
  if (quoted) line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      line += "\\x";
      line += "0123456789abcdef"[(c >> 4) & 15];
      line += "0123456789abcdef"[c & 15];
    } else {
      line += c;
    }
  }
  if (quoted) line += '"';
}

std::string render(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

}  // namespace

Log::Log(std::string_view role) : sink_(std::make_shared<Sink>(std::string(role))) {}

Log Log::silent() { return Log(std::shared_ptr<Sink>()); }

void Log::debug(std::string_view event, std::initializer_list<LogField> fields) const {
  if (sink_ && sink_->logger.should_log(spdlog::level::debug)) sink_->logger.debug(render(event, fields));
}
void Log::info(std::string_view event, std::initializer_list<LogField> fields) const {
  if (sink_) sink_->logger.info(render(event, fields));
}
void Log::warn(std::string_view event, std::initializer_list<LogField> fields) const {
  if (sink_) sink_->logger.warn(render(event, fields));
}
void Log::error(std::string_view event, std::initializer_list<LogField> fields) const {
  if (sink_) sink_->logger.error(render(event, fields));
}

}  // namespace facefleet
