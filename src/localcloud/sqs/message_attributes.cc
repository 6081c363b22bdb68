#include "localcloud/sqs/message_attributes.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/limits.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr char kText = 1;
constexpr char kBinary = 2;
constexpr std::string_view kTraceHeader = "AWSTraceHeader";

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

Result<void> check_name(std::string_view name) {
  const bool allowed = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
  if (name.empty() || !allowed || name.starts_with('.') || name.ends_with('.') ||
      name.find("..") != std::string_view::npos)
    return malformed_attributes("The message attribute name " + quoted(name) +
                                " is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), "
                                "and period (.) characters.");
  if (name.size() > limits::kMessageAttributeNameBytes)
    return malformed_attributes("Message (user) attribute names must be shorter than 256 Bytes");
  const std::string lower = aws::lower_case(name.substr(0, 7));
  if (lower.starts_with("aws.") || lower.starts_with("amazon."))
    return malformed_attributes(
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These "
        "strings are reserved for internal use.");
  return {};
}

bool is_type(std::string_view type) {
  const std::string_view base = type.substr(0, type.find('.'));
  return (base == "String" || base == "Number" || base == "Binary") &&
         type.size() <= limits::kMessageAttributeNameBytes;
}

bool is_number(std::string_view text) {
  double ignored = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), ignored);
  return !text.empty() && parsed.ptr == text.data() + text.size();
}

Result<MessageAttribute> read_one(std::string_view name, const aws::Parameter& value) {
  if (auto checked = check_name(name); !checked) return checked.error();
  MessageAttribute attribute{std::string(name), std::string(value.text_of("DataType").value_or("")), {}};
  if (attribute.type.empty())
    return malformed_attributes("The message (user) attribute " + quoted(name) +
                                " must contain a non-empty message attribute type.");
  if (!is_type(attribute.type))
    return malformed_attributes("The message (user) attribute " + quoted(name) +
                                " has an invalid message attribute type, the set of supported type prefixes is Binary, "
                                "Number, and String.");
  const std::string_view text = value.text_of(attribute.is_binary() ? "BinaryValue" : "StringValue").value_or("");
  if (text.empty())
    return malformed_attributes("Message (user) attribute " + quoted(name) +
                                " must contain a non-empty value of type " +
                                quoted(attribute.type.substr(0, attribute.type.find('.'))) + ".");
  if (attribute.is_binary()) {
    auto bytes = base64_decode(text);
    if (!bytes) return malformed_attributes("The value of message attribute " + quoted(name) + " is not base 64.");
    attribute.value = std::move(*bytes);
    return attribute;
  }
  if (!aws::is_xml_text(text)) return invalid_characters();
  if (attribute.type.starts_with("Number") && !is_number(text))
    return malformed_attributes("Can't cast the value of message (user) attribute " + quoted(name) + " to a number.");
  attribute.value = text;
  return attribute;
}

// JSON has a map, the query form a list of Name and Value.
Result<MessageAttributes> read_all(const aws::Parameter& parameters, std::string_view json_name,
                                   std::string_view query_name) {
  MessageAttributes attributes;
  const auto add = [&](std::string_view name, const aws::Parameter& value) -> Result<void> {
    auto one = read_one(name, value);
    if (!one) return one.error();
    attributes.push_back(std::move(*one));
    return {};
  };
  if (const aws::Parameter* map = parameters.find(json_name)) {
    for (const aws::Parameter::Member& member : map->members)
      if (auto added = add(member.name, member.value); !added) return added.error();
  } else {
    const aws::Parameter nothing;
    for (const aws::Parameter* entry : parameters.list(query_name, query_name)) {
      const aws::Parameter* value = entry->find("Value");
      if (auto added = add(entry->text_of("Name").value_or(""), value == nullptr ? nothing : *value); !added)
        return added.error();
    }
  }
  std::ranges::sort(attributes, {}, &MessageAttribute::name);
  const auto twice = std::ranges::adjacent_find(attributes, {}, &MessageAttribute::name);
  if (twice != attributes.end())
    return malformed_attributes("Message (user) attribute name " + quoted(twice->name) + " already exists.");
  return attributes;
}

void put_text(Bytes& out, std::string_view text) {
  for (std::size_t left = kLengthBytes; left > 0; --left)
    out += static_cast<char>(text.size() >> (left - 1) * 8 & 0xFF);
  out += text;
}

bool take_text(BytesView& in, std::string& text) {
  if (in.size() < kLengthBytes) return false;
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length = length << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(kLengthBytes);
  if (in.size() < length) return false;
  text = in.substr(0, length);
  in.remove_prefix(length);
  return true;
}

}  // namespace

Result<MessageAttributes> read_message_attributes(const aws::Parameter& parameters) {
  auto attributes = read_all(parameters, "MessageAttributes", "MessageAttribute");
  if (attributes && attributes->size() > limits::kMessageAttributes)
    return malformed_attributes("Number of message attributes [" + std::to_string(attributes->size()) +
                                "] exceeds the allowed maximum [10].");
  return attributes;
}

Result<MessageAttributes> read_system_attributes(const aws::Parameter& parameters) {
  auto attributes = read_all(parameters, "MessageSystemAttributes", "MessageSystemAttribute");
  if (!attributes) return attributes;
  for (const MessageAttribute& one : *attributes) {
    if (one.name != kTraceHeader || one.type != "String")
      return malformed_attributes("Message (system) attribute " + quoted(one.name) +
                                  " is not one that a message may bring; AWSTraceHeader of type String is.");
  }
  return attributes;
}

Bytes encode(const MessageAttributes& attributes) {
  Bytes out;
  for (const MessageAttribute& one : attributes) {
    put_text(out, one.name);
    put_text(out, one.type);
    out += one.is_binary() ? kBinary : kText;
    put_text(out, one.value);
  }
  return out;
}

std::optional<MessageAttributes> decode(BytesView bytes) {
  MessageAttributes attributes;
  while (!bytes.empty()) {
    MessageAttribute& one = attributes.emplace_back();
    if (!take_text(bytes, one.name) || !take_text(bytes, one.type) || bytes.empty()) return std::nullopt;
    if (bytes.front() != (one.is_binary() ? kBinary : kText)) return std::nullopt;
    bytes.remove_prefix(1);
    if (!take_text(bytes, one.value)) return std::nullopt;
  }
  return attributes;
}

Bytes encode_extras(const Extras& extras) {
  if (extras.user.empty() && extras.system.empty()) return {};
  Bytes out;
  put_text(out, encode(extras.user));
  return out += encode(extras.system);
}

std::optional<Extras> decode_extras(BytesView bytes) {
  if (bytes.empty()) return Extras{};
  std::string user;
  if (!take_text(bytes, user)) return std::nullopt;
  auto users = decode(user);
  auto systems = decode(bytes);
  if (!users || !systems) return std::nullopt;
  return Extras{std::move(*users), std::move(*systems)};
}

bool is_wanted(std::string_view name, const std::vector<std::string_view>& wanted) {
  return std::ranges::any_of(wanted, [name](std::string_view one) {
    if (one == "All" || one == name) return true;
    return one.ends_with(".*") && name.starts_with(one.substr(0, one.size() - 2)) &&
           (one.size() == 2 || name.substr(one.size() - 2).starts_with('.'));
  });
}

void write_message_attributes(aws::ResultWriter& result, const MessageAttributes& attributes) {
  constexpr std::string_view kItem = "MessageAttribute";
  result.open_map("MessageAttributes");
  for (const MessageAttribute& one : attributes) {
    result.open_entry(kItem, one.name);
    if (one.is_binary())
      result.text("BinaryValue", base64(one.value));
    else
      result.text("StringValue", one.value);
    result.text("DataType", one.type);
    result.close_entry(kItem);
  }
  result.close_map();
}

}  // namespace facefleet::localcloud::sqs
