// Appends compact JSON to a string: no tree is built, so an outcome costs one allocation. Reading is Boost.JSON's.
//
//     JsonWriter json;
//     json.begin_object().key("name").text("x.jpg").key("size").number(3).end_object();
//
// The caller keeps the order right; commas are this class's business.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace facefleet::jobs {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name) {
    text(name);
    out_ += ':';
    return *this;
  }

  // Bytes that are not UTF-8 become U+FFFD.
  JsonWriter& text(std::string_view value) { return text_within(value, SIZE_MAX); }

  // As text, shortened before the first character that would take more than `bytes_max` bytes, quotes not counted.
  JsonWriter& text_within(std::string_view value, std::size_t bytes_max);

  // Written as it is; for digits and base 64, where nothing needs an escape.
  JsonWriter& plain_text(std::string_view value) {
    separate();
    out_ += '"';
    out_ += value;
    out_ += '"';
    return *this;
  }

  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }

  // The shortest digits that read back as the same value. JSON has no NaN and no infinity: both become 0, as does −0.
  template <class Number>
  requires(std::integral<Number> || std::floating_point<Number>) JsonWriter& number(Number value) {
    if constexpr (std::floating_point<Number>) {
      if (!std::isfinite(value) || value == 0) value = 0;
    }
    char digits[32];
    const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return raw({digits, static_cast<std::size_t>(end - digits)});
  }

  // `value` with at most `decimals` (0 to 9) digits after the point: for people, where more would be noise.
  JsonWriter& rounded(double value, int decimals);

  // JSON that is already text.
  JsonWriter& raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
  }

  std::size_t size() const { return out_.size(); }
  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket) {
    separate();
    out_ += bracket;
    return *this;
  }

  JsonWriter& close(char bracket) {
    out_ += bracket;
    return *this;
  }

  // A value follows another one unless what stands before it opens something.
  void separate() {
    if (!out_.empty() && out_.back() != '{' && out_.back() != '[' && out_.back() != ':') out_ += ',';
  }

  std::string out_;
};

}  // namespace facefleet::jobs
