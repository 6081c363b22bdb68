#include "aws/dates.h"

#include <array>
#include <chrono>

namespace facefleet::aws {
namespace {

// The number that `text` is from `at` on, `digits` long; -1 if it is none.
int digits_at(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (const char c : text.substr(at, digits)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<std::int64_t> to_wall_ms(int year, int month, int day, int hour, int minute, int second) {
  using namespace std::chrono;
  const year_month_day date(std::chrono::year{year}, std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day)));
  if (year < 0 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return std::nullopt;
  const auto time = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  return duration_cast<milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::optional<std::int64_t> parse_iso8601(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      text.back() != 'Z')
    return std::nullopt;
  auto wall_ms = to_wall_ms(digits_at(text, 0, 4), digits_at(text, 5, 2), digits_at(text, 8, 2), digits_at(text, 11, 2),
                            digits_at(text, 14, 2), digits_at(text, 17, 2));
  if (!wall_ms || text.size() == 20) return wall_ms;
  const std::string_view fraction = text.substr(20, text.size() - 21);
  if (text[19] != '.' || fraction.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  int scale = 100;
  for (std::size_t i = 0; i < fraction.size() && scale > 0; ++i, scale /= 10) *wall_ms += (fraction[i] - '0') * scale;
  return wall_ms;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  int month = 0;
  for (int i = 0; i < 12; ++i)
    if (kMonths[static_cast<std::size_t>(i)] == text.substr(8, 3)) month = i + 1;
  return to_wall_ms(digits_at(text, 12, 4), month, digits_at(text, 5, 2), digits_at(text, 17, 2),
                    digits_at(text, 20, 2), digits_at(text, 23, 2));
}

}  // namespace facefleet::aws
