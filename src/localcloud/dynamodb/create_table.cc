#include <boost/json.hpp>

#include "localcloud/dynamodb/actions.h"

namespace facefleet::localcloud::dynamodb {
namespace {

namespace json = boost::json;

const json::array* array_of(const json::object& parameters, std::string_view name) {
  const json::value* value = parameters.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}

Result<table::Type> type_of(const json::object& parameters, const std::string& attribute) {
  const json::array* definitions = array_of(parameters, "AttributeDefinitions");
  for (const json::value& one : definitions != nullptr ? *definitions : json::array()) {
    if (!one.is_object()) continue;
    const auto name = text_of(one.get_object(), "AttributeName");
    const auto type = text_of(one.get_object(), "AttributeType");
    if (!name || !type || *name != attribute) continue;
    if (*type == "S") return table::Type::kText;
    if (*type == "N") return table::Type::kNumber;
    if (*type == "B") return table::Type::kBytes;
  }
  return validation(
      "One or more parameter values were invalid: Some index key attributes are not defined in "
      "AttributeDefinitions. Keys: [" +
      attribute + "]");
}

Result<table::TableInfo> read_table(const json::object& parameters) {
  table::TableInfo info;
  auto name = table_name(parameters);
  if (!name) return name.error();
  info.name = std::move(*name);
  const json::array* schema = array_of(parameters, "KeySchema");
  for (const json::value& one : schema != nullptr ? *schema : json::array()) {
    if (!one.is_object()) continue;
    auto attribute = text_of(one.get_object(), "AttributeName");
    if (!attribute) return attribute.error();
    const auto role = text_of(one.get_object(), "KeyType");
    if (!role) return role.error();
    const auto type = type_of(parameters, *attribute);
    if (!type) return type.error();
    if (*role == "HASH") info.hash = {std::move(*attribute), *type};
    if (*role == "RANGE") info.range = table::KeyAttribute{std::move(*attribute), *type};
  }
  if (info.hash.name.empty())
    return validation(
        "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member "
        "must have length greater than or equal to 1");
  return info;
}

}  // namespace

// How a table is paid for and encrypted makes no difference here; an index would.
Task<Result<std::string>> create_table(Call& call) {
  const auto known = refuse_unknown(
      call.parameters, {"TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput",
                        "Tags", "SSESpecification", "TableClass", "DeletionProtectionEnabled", "OnDemandThroughput"});
  if (!known) co_return known.error();
  auto info = read_table(call.parameters);
  if (!info) co_return info.error();
  const auto made = co_await call.service.tables.create(std::move(*info));
  if (!made) co_return from_table(made.error());
  co_return "{\"TableDescription\":" + description(call, *made, "ACTIVE") + "}";
}

Task<Result<std::string>> describe_table(Call& call) {
  auto name = table_name(call.parameters);
  if (!name) co_return name.error();
  const auto info = co_await call.service.tables.describe(std::move(*name));
  if (!info) co_return from_table(info.error());
  co_return "{\"Table\":" + description(call, *info, "ACTIVE") + "}";
}

Task<Result<std::string>> delete_table(Call& call) {
  auto name = table_name(call.parameters);
  if (!name) co_return name.error();
  const auto info = co_await call.service.tables.remove(std::move(*name));
  if (!info) co_return from_table(info.error());
  co_return "{\"TableDescription\":" + description(call, *info, "DELETING") + "}";
}

Task<Result<std::string>> list_tables(Call& call) {
  const json::value* limit = call.parameters.if_contains("Limit");
  const std::int64_t most = limit != nullptr && limit->is_int64() ? limit->get_int64() : 100;
  if (most < 1 || most > 100)
    co_return validation(
        "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
        "have value between 1 and 100");
  const auto after = text_of(call.parameters, "ExclusiveStartTableName");
  const auto names = co_await call.service.tables.list();
  if (!names) co_return from_table(names.error());
  json::object result;
  json::array page;
  for (const std::string& name : *names) {
    if (after && name <= *after) continue;
    if (static_cast<std::int64_t>(page.size()) == most) {
      result["LastEvaluatedTableName"] = page.back();
      break;
    }
    page.emplace_back(name);
  }
  result["TableNames"] = std::move(page);
  co_return json::serialize(result);
}

}  // namespace facefleet::localcloud::dynamodb
