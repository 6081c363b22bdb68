#include "table/codec.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "base/hash.h"

namespace facefleet::table {
namespace {

namespace json = boost::json;

constexpr int kDepthMax = 32;  // DynamoDB's own
constexpr int kDigitsMax = 38;
constexpr int kMagnitudeMax = 125;

Error invalid(std::string message) { return {Code::kInvalidInput, std::move(message), "invalid_value"}; }

struct TypeName {
  std::string_view name;
  Type type;
};
constexpr std::array<TypeName, 10> kTypes{{{"S", Type::kText},
                                           {"N", Type::kNumber},
                                           {"B", Type::kBytes},
                                           {"BOOL", Type::kBool},
                                           {"NULL", Type::kNull},
                                           {"SS", Type::kTextSet},
                                           {"NS", Type::kNumberSet},
                                           {"BS", Type::kBytesSet},
                                           {"L", Type::kList},
                                           {"M", Type::kMap}}};

std::string_view name_of(Type type) { return std::ranges::find(kTypes, type, &TypeName::type)->name; }

Result<std::string> to_scalar(const json::value& value, Type type) {
  if (!value.is_string()) return invalid("Supplied AttributeValue is not of its type, " + std::string(name_of(type)));
  const std::string_view text(value.get_string());
  if (type == Type::kText || type == Type::kTextSet) return std::string(text);
  if (type == Type::kNumber || type == Type::kNumberSet) {
    auto number = canonical_number(text);
    if (!number)
      return invalid("The parameter cannot be converted to a numeric value: " + std::string(text.substr(0, 100)));
    return std::move(*number);
  }
  auto bytes = base64_decode(text);
  if (!bytes) return invalid("One or more parameter values were invalid: a binary value is not in base 64");
  return std::move(*bytes);
}

Result<Value> to_value(const json::value& given, int depth);

Result<std::vector<std::string>> to_set(const json::value& value, Type type) {
  const auto* entries = value.if_array();
  if (entries == nullptr || entries->empty())
    return invalid("One or more parameter values were invalid: An " +
                   std::string(type == Type::kTextSet     ? "string"
                               : type == Type::kNumberSet ? "number"
                                                          : "binary") +
                   " set  may not be empty");
  std::vector<std::string> set;
  for (const json::value& entry : *entries) {
    auto one = to_scalar(entry, type);
    if (!one) return one.error();
    set.push_back(std::move(*one));
  }
  std::ranges::sort(set);
  if (std::ranges::adjacent_find(set) != set.end())
    return invalid("One or more parameter values were invalid: Input collection contains duplicates.");
  return set;
}

Result<Item> to_map(const json::value& given, int depth) {
  const auto* object = given.if_object();
  if (object == nullptr) return invalid("An item is a JSON object of attributes");
  Item item;
  for (const auto& [name, attribute] : *object) {
    auto value = to_value(attribute, depth);
    if (!value) return value.error();
    item.emplace(std::string(name), std::move(*value));
  }
  return item;
}

Result<void> fill(Value& out, const json::value& given, int depth) {
  switch (out.type) {
    case Type::kText:
    case Type::kNumber:
    case Type::kBytes: {
      auto scalar = to_scalar(given, out.type);
      if (!scalar) return scalar.error();
      out.scalar = std::move(*scalar);
      return {};
    }
    case Type::kBool:
    case Type::kNull:
      if (!given.is_bool() || (out.type == Type::kNull && !given.get_bool()))
        return invalid(
            "One or more parameter values were invalid: Null attribute value types must have the value of "
            "true, and BOOL one that is true or false");
      out.truth = given.get_bool();
      return {};
    case Type::kTextSet:
    case Type::kNumberSet:
    case Type::kBytesSet: {
      auto set = to_set(given, out.type);
      if (!set) return set.error();
      out.set = std::move(*set);
      return {};
    }
    case Type::kList: {
      if (!given.is_array()) return invalid("A list is a JSON array");
      for (const json::value& entry : given.get_array()) {
        auto one = to_value(entry, depth + 1);
        if (!one) return one.error();
        out.list.push_back(std::move(*one));
      }
      return {};
    }
    case Type::kMap: {
      auto map = to_map(given, depth + 1);
      if (!map) return map.error();
      out.map = std::move(*map);
      return {};
    }
  }
  return {};
}

Result<Value> to_value(const json::value& given, int depth) {
  if (depth > kDepthMax) return invalid("Nesting Levels have exceeded supported limits");
  const auto* object = given.if_object();
  if (object == nullptr || object->size() != 1)
    return invalid(
        "Supplied AttributeValue is empty or has more than one type, must contain exactly one of the "
        "supported datatypes");
  const auto type = std::ranges::find(kTypes, std::string_view(object->begin()->key()), &TypeName::name);
  if (type == kTypes.end())
    return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  Value value;
  value.type = type->type;
  if (auto filled = fill(value, object->begin()->value(), depth); !filled) return filled.error();
  return value;
}

void append_text(std::string& out, std::string_view text) { out += json::serialize(json::string(text)); }

void append_scalar(std::string& out, const std::string& scalar, Type type) {
  const bool bytes = type == Type::kBytes || type == Type::kBytesSet;
  append_text(out, bytes ? base64(scalar) : scalar);
}

void append_value(std::string& out, const Value& value) {
  out.append("{\"").append(name_of(value.type)).append("\":");
  switch (value.type) {
    case Type::kText:
    case Type::kNumber:
    case Type::kBytes: append_scalar(out, value.scalar, value.type); break;
    case Type::kBool:
    case Type::kNull: out += value.truth || value.type == Type::kNull ? "true" : "false"; break;
    case Type::kTextSet:
    case Type::kNumberSet:
    case Type::kBytesSet:
      out += '[';
      for (std::size_t i = 0; i < value.set.size(); ++i) {
        if (i > 0) out += ',';
        append_scalar(out, value.set[i], value.type);
      }
      out += ']';
      break;
    case Type::kList:
      out += '[';
      for (std::size_t i = 0; i < value.list.size(); ++i) {
        if (i > 0) out += ',';
        append_value(out, value.list[i]);
      }
      out += ']';
      break;
    case Type::kMap: append_item(out, value.map); break;
  }
  out += '}';
}

}  // namespace

std::optional<std::string> canonical_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t mark = std::min(text.find_first_of("eE"), text.size());
  int exponent = 0;
  if (mark < text.size()) {
    std::string_view digits = text.substr(mark + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  }
  // The digits without their point, and where that stood, counted from the first.
  std::string digits;
  std::optional<int> point;
  for (const char c : text.substr(0, mark)) {
    if (c == '.' && !point) {
      point = static_cast<int>(digits.size());
    } else if (c >= '0' && c <= '9') {
      digits += c;
    } else {
      return std::nullopt;
    }
  }
  if (digits.empty() || digits.size() > 1'000 || exponent > 1'000 || exponent < -1'000) return std::nullopt;
  int whole = point.value_or(static_cast<int>(digits.size())) + exponent;
  const std::size_t leading = std::min(digits.find_first_not_of('0'), digits.size());
  digits.erase(0, leading);
  whole -= static_cast<int>(leading);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.empty()) return "0";
  if (static_cast<int>(digits.size()) > kDigitsMax || whole - 1 > kMagnitudeMax || whole - 1 < -kMagnitudeMax - 5)
    return std::nullopt;
  std::string out = negative ? "-" : "";
  const auto size = static_cast<int>(digits.size());
  if (whole <= 0) return out + "0." + std::string(static_cast<std::size_t>(-whole), '0') + digits;
  if (whole >= size) return out + digits + std::string(static_cast<std::size_t>(whole - size), '0');
  return out + digits.substr(0, static_cast<std::size_t>(whole)) + "." + digits.substr(static_cast<std::size_t>(whole));
}

Result<Item> to_item(const json::value& given) { return to_map(given, 1); }

Result<Item> decode_item(std::string_view text) {
  boost::system::error_code failed;
  const json::value value = json::parse(text, failed);
  if (failed) return invalid("the item is not JSON: " + failed.message());
  return to_item(value);
}

void append_item(std::string& out, const Item& item) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : item) {
    if (!std::exchange(first, false)) out += ',';
    append_text(out, name);
    out += ':';
    append_value(out, value);
  }
  out += '}';
}

std::string encode(const Item& item) {
  std::string out;
  append_item(out, item);
  return out;
}

}  // namespace facefleet::table
