#include "localcloud/dynamodb/call.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>

#include "aws/wire.h"
#include "table/codec.h"

namespace facefleet::localcloud::dynamodb {
namespace {

namespace json = boost::json;

std::string_view letter(table::Type type) {
  return type == table::Type::kNumber ? "N" : type == table::Type::kBytes ? "B" : "S";
}

// These change what is reported beside the result, not the result; an answer may leave it out.
constexpr std::array<std::string_view, 3> kHarmless{"ReturnConsumedCapacity", "ReturnItemCollectionMetrics",
                                                    "ConsistentRead"};

}  // namespace

Error dynamodb_error(Code code, std::string_view aws_code, std::string_view message) {
  return {code, std::string(message), std::string(aws_code)};
}

Error validation(std::string_view message) {
  return dynamodb_error(Code::kInvalidInput, "ValidationException", message);
}

Error from_table(const Error& error) {
  switch (error.code) {
    case Code::kNotFound: return dynamodb_error(error.code, "ResourceNotFoundException", error.message);
    case Code::kConflict: return dynamodb_error(error.code, "ResourceInUseException", error.message);
    case Code::kInvalidInput: return validation(error.message);
    default: return dynamodb_error(error.code, "InternalServerError", error.message);
  }
}

Result<std::string> text_of(const json::object& parameters, std::string_view name) {
  const json::value* value = parameters.if_contains(name);
  if (value == nullptr || !value->is_string())
    return validation("1 validation error detected: Value null at '" + std::string(name) +
                      "' failed to satisfy constraint: Member must not be null");
  return std::string(value->get_string());
}

Result<std::string> table_name(const json::object& parameters) {
  auto name = text_of(parameters, "TableName");
  if (name && name->starts_with("arn:")) name->erase(0, name->rfind('/') + 1);
  return name;
}

Result<table::Item> item_of(const json::object& parameters, std::string_view name) {
  const json::value* value = parameters.if_contains(name);
  if (value == nullptr) return text_of(parameters, name).error();
  auto item = table::to_item(*value);
  if (!item) return from_table(item.error());
  return item;
}

Result<void> refuse_unknown(const json::object& parameters, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : parameters) {
    const std::string_view key(name);
    if (value.is_null() || std::ranges::find(known, key) != known.end() ||
        std::ranges::find(kHarmless, key) != kHarmless.end())
      continue;
    return validation(std::string(key) + " is not supported by this local DynamoDB; leave it out");
  }
  return {};
}

std::string description(const Call& call, const table::TableInfo& table, std::string_view status) {
  json::array attributes, schema;
  const auto add = [&](const table::KeyAttribute& key, std::string_view role) {
    attributes.push_back(json::object{{"AttributeName", key.name}, {"AttributeType", letter(key.type)}});
    schema.push_back(json::object{{"AttributeName", key.name}, {"KeyType", role}});
  };
  add(table.hash, "HASH");
  if (table.range) add(*table.range, "RANGE");
  std::array<char, 32> created{};
  std::snprintf(created.data(), created.size(), "%lld.%03lld", static_cast<long long>(table.created_ms / 1'000),
                static_cast<long long>(table.created_ms % 1'000));
  const std::string arn = "arn:aws:dynamodb:" + call.region + ":" + call.service.account + ":table/" + table.name;
  std::string out = "{\"AttributeDefinitions\":" + json::serialize(attributes);
  out += ",\"TableName\":" + json::serialize(json::string(table.name));
  out += ",\"KeySchema\":" + json::serialize(schema);
  out.append(",\"TableStatus\":\"").append(status).append("\",\"CreationDateTime\":").append(created.data());
  out += ",\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0}";
  out += ",\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"}";
  out += ",\"TableSizeBytes\":" + std::to_string(table.bytes) + ",\"ItemCount\":" + std::to_string(table.items);
  out += ",\"TableArn\":" + json::serialize(json::string(arn)) + ",\"DeletionProtectionEnabled\":false}";
  return out;
}

std::string items_array(const std::vector<table::Item>& items) {
  std::string out = "[";
  for (const table::Item& item : items) {
    if (out.size() > 1) out += ',';
    table::append_item(out, item);
  }
  return out + "]";
}

}  // namespace facefleet::localcloud::dynamodb
