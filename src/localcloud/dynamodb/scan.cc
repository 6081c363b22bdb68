#include "localcloud/dynamodb/actions.h"
#include "table/codec.h"

namespace facefleet::localcloud::dynamodb {

// Without a limit a page ends at its size in bytes.
Task<Result<std::string>> scan(Call& call) {
  const auto known = refuse_unknown(call.parameters, {"TableName", "Limit", "ExclusiveStartKey", "Select"});
  if (!known) co_return known.error();
  auto name = table_name(call.parameters);
  if (!name) co_return name.error();
  const auto select = text_of(call.parameters, "Select");
  const bool count_only = select && *select == "COUNT";
  if (select && !count_only && *select != "ALL_ATTRIBUTES")
    co_return validation("Select " + *select + " is not supported by this local DynamoDB");
  std::uint32_t max = UINT32_MAX;
  if (const auto* limit = call.parameters.if_contains("Limit")) {
    if (!limit->is_int64() || limit->get_int64() < 1 || limit->get_int64() >= UINT32_MAX)
      co_return validation(
          "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
          "have value greater than or equal to 1");
    max = static_cast<std::uint32_t>(limit->get_int64());
  }
  std::optional<table::Item> after;
  if (call.parameters.contains("ExclusiveStartKey")) {
    auto key = item_of(call.parameters, "ExclusiveStartKey");
    if (!key) co_return key.error();
    after = std::move(*key);
  }
  const auto page = co_await call.service.tables.scan(std::move(*name), std::move(after), max);
  if (!page) co_return from_table(page.error());
  const std::string count = std::to_string(page->items.size());
  std::string out = "{\"Count\":" + count + ",\"ScannedCount\":" + count;
  if (!count_only) out += ",\"Items\":" + items_array(page->items);
  if (page->last) out += ",\"LastEvaluatedKey\":" + table::encode(*page->last);
  co_return out + "}";
}

}  // namespace facefleet::localcloud::dynamodb
