#include "table/rules.h"

#include <algorithm>

#include "base/limits.h"

namespace facefleet::table {
namespace {

Error invalid(std::string message) { return {Code::kInvalidInput, std::move(message), "invalid_item"}; }

bool is_key_type(Type type) { return type == Type::kText || type == Type::kNumber || type == Type::kBytes; }

Result<void> append_part(Bytes& key, const KeyAttribute& attribute, const Item& item, bool exact) {
  const auto found = item.find(attribute.name);
  if (found == item.end())
    return invalid(exact ? "The provided key element does not match the schema"
                         : "One or more parameter values were invalid: Missing the key " + attribute.name +
                               " in the item");
  if (found->second.type != attribute.type)
    return invalid(exact ? "The provided key element does not match the schema"
                         : "One or more parameter values were invalid: Type mismatch for key " + attribute.name);
  const std::string& value = found->second.scalar;
  if (value.empty())
    return invalid(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
        "an empty string value. Key: " +
        attribute.name);
  if (value.size() > limits::kItemKeyBytes)
    return invalid(
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of " +
        std::to_string(limits::kItemKeyBytes) + " bytes");
  // Its length first, so that ("ab", "c") is another key than ("a", "bc").
  key += static_cast<char>(value.size() >> 8);
  key += static_cast<char>(value.size() & 0xFF);
  key += value;
  return {};
}

}  // namespace

Result<void> check_table(const TableInfo& table) {
  constexpr auto kAllowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  if (table.name.size() < 3 || table.name.size() > 255 || !std::ranges::all_of(table.name, kAllowed))
    return invalid(
        "TableName must be at least 3 characters long and at most 255 characters long, of a-z, A-Z, 0-9, "
        "'_', '-' and '.'");
  const bool types = is_key_type(table.hash.type) && (!table.range || is_key_type(table.range->type));
  if (!types || table.hash.name.empty() || (table.range && table.range->name == table.hash.name))
    return invalid("One or more parameter values were invalid: a key has one or two attributes of type S, N or B");
  return {};
}

Error no_such_table(std::string_view table) {
  return {Code::kNotFound, "Requested resource not found: Table: " + std::string(table) + " not found",
          "no_such_table"};
}

Error table_exists(std::string_view table) {
  return {Code::kConflict, "Table already exists: " + std::string(table), "table_exists"};
}

Result<Bytes> key_of(const TableInfo& table, const Item& item, bool exact) {
  if (exact && item.size() != (table.range ? 2u : 1u))
    return invalid("The provided key element does not match the schema");
  Bytes key;
  if (auto part = append_part(key, table.hash, item, exact); !part) return part.error();
  if (!table.range) return key;
  if (auto part = append_part(key, *table.range, item, exact); !part) return part.error();
  return key;
}

Item key_attributes(const TableInfo& table, const Item& item) {
  Item key;
  key.emplace(table.hash.name, item.at(table.hash.name));
  if (table.range) key.emplace(table.range->name, item.at(table.range->name));
  return key;
}

Result<void> check_size(std::size_t encoded_bytes) {
  if (encoded_bytes <= limits::kItemBytes) return {};
  return invalid("Item size has exceeded the maximum allowed size");
}

}  // namespace facefleet::table
