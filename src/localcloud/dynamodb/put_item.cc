#include "localcloud/dynamodb/actions.h"
#include "table/codec.h"

namespace facefleet::localcloud::dynamodb {
namespace {

// Of PutItem and DeleteItem: what was there, if the call asks for it.
Result<std::string> with_old(const Call& call, const std::optional<table::Item>& old) {
  const auto wanted = text_of(call.parameters, "ReturnValues");
  if (wanted && *wanted != "NONE" && *wanted != "ALL_OLD") return validation("Return values set to invalid value");
  if (!wanted || *wanted == "NONE" || !old) return std::string("{}");
  return "{\"Attributes\":" + table::encode(*old) + "}";
}

}  // namespace

Task<Result<std::string>> put_item(Call& call) {
  const auto known = refuse_unknown(call.parameters, {"TableName", "Item", "ReturnValues"});
  if (!known) co_return known.error();
  auto name = table_name(call.parameters);
  if (!name) co_return name.error();
  auto item = item_of(call.parameters, "Item");
  if (!item) co_return item.error();
  if (auto asked = with_old(call, std::nullopt); !asked) co_return asked;
  const auto old = co_await call.service.tables.put(std::move(*name), std::move(*item));
  if (!old) co_return from_table(old.error());
  co_return with_old(call, *old);
}

Task<Result<std::string>> delete_item(Call& call) {
  const auto known = refuse_unknown(call.parameters, {"TableName", "Key", "ReturnValues"});
  if (!known) co_return known.error();
  auto name = table_name(call.parameters);
  if (!name) co_return name.error();
  auto key = item_of(call.parameters, "Key");
  if (!key) co_return key.error();
  if (auto asked = with_old(call, std::nullopt); !asked) co_return asked;
  const auto old = co_await call.service.tables.erase(std::move(*name), std::move(*key));
  if (!old) co_return from_table(old.error());
  co_return with_old(call, *old);
}

Task<Result<std::string>> get_item(Call& call) {
  const auto known = refuse_unknown(call.parameters, {"TableName", "Key"});
  if (!known) co_return known.error();
  auto name = table_name(call.parameters);
  if (!name) co_return name.error();
  auto key = item_of(call.parameters, "Key");
  if (!key) co_return key.error();
  const auto item = co_await call.service.tables.get(std::move(*name), std::move(*key));
  if (!item) co_return from_table(item.error());
  co_return *item ? "{\"Item\":" + table::encode(**item) + "}" : std::string("{}");
}

}  // namespace facefleet::localcloud::dynamodb
