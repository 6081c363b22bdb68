// Reads fields out of parsed JSON, remembering the first thing that was wrong, so that a decoder reads top to bottom
// and asks once, at the end. Private to jobs.
#pragma once

#include <boost/json.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/hash.h"

namespace facefleet::jobs {

class JsonReader {
 public:
  JsonReader(const boost::json::object& object, std::string& problem) : object_(object), problem_(problem) {}

  void read(std::string_view key, std::string& out) {
    const auto* text = find(key, [](const boost::json::value& value) { return value.if_string(); });
    if (text) out.assign(text->data(), text->size());
  }

  void read(std::string_view key, bool& out) {
    if (const auto* flag = find(key, [](const boost::json::value& value) { return value.if_bool(); })) out = *flag;
  }

  template <class Number>
  requires(std::is_arithmetic_v<Number>) void read(std::string_view key, Number& out) {
    if (const auto* value = object_.if_contains(key))
      number(*value, key, out);
    else
      fail(key);
  }

  // Standard base 64.
  void read_bytes(std::string_view key, Bytes& out) {
    const auto* text = find(key, [](const boost::json::value& value) { return value.if_string(); });
    if (!text) return;
    auto bytes = base64_decode({text->data(), text->size()});
    if (bytes)
      out = std::move(*bytes);
    else
      fail(key);
  }

  // Calls `each` for the elements of an array of at most `size_max`.
  template <class Each>
  void read_array(std::string_view key, std::size_t size_max, Each each) {
    const auto* array = find(key, [](const boost::json::value& value) { return value.if_array(); });
    if (!array) return;
    if (array->size() > size_max) return fail(key);
    for (const boost::json::value& element : *array) {
      if (!problem_.empty()) return;
      each(element);
    }
  }

  // As read_array, for an array of objects: `each` is given a reader of each.
  template <class Each>
  void read_objects(std::string_view key, std::size_t size_max, Each each) {
    read_array(key, size_max, [&](const boost::json::value& element) {
      const auto* inner = element.if_object();
      if (!inner) return fail(key);
      each(JsonReader(*inner, problem_));
    });
  }

  template <class Number>
  void number(const boost::json::value& value, std::string_view key, Number& out) {
    boost::system::error_code error;
    if constexpr (std::is_floating_point_v<Number>) {
      const double wide = value.to_number<double>(error);
      if (error || std::abs(wide) > static_cast<double>(std::numeric_limits<Number>::max())) return fail(key);
      out = static_cast<Number>(wide);
    } else {
      const auto exact = value.to_number<Number>(error);
      if (error) return fail(key);
      out = exact;
    }
  }

  bool contains(std::string_view key) const { return object_.contains(key); }

  void fail(std::string_view key) {
    if (problem_.empty()) problem_ = "the field \"" + std::string(key) + "\" is missing or not what it should be";
  }

 private:
  template <class As>
  std::invoke_result_t<As, const boost::json::value&> find(std::string_view key, As as) {
    const auto* value = object_.if_contains(key);
    if (value)
      if (const auto* typed = as(*value)) return typed;
    fail(key);
    return nullptr;
  }

  const boost::json::object& object_;
  std::string& problem_;
};

}  // namespace facefleet::jobs
