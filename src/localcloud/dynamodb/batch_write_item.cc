#include <boost/json.hpp>
#include <set>

#include "base/limits.h"
#include "localcloud/dynamodb/actions.h"
#include "table/codec.h"

namespace facefleet::localcloud::dynamodb {
namespace {

namespace json = boost::json;

Result<const json::object*> request_items(const Call& call) {
  const json::value* items = call.parameters.if_contains("RequestItems");
  if (items == nullptr || !items->is_object() || items->get_object().empty())
    return validation(
        "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must "
        "have length greater than or equal to 1");
  return &items->get_object();
}

// `{"PutRequest": {"Item": …}}` or `{"DeleteRequest": {"Key": …}}`
Result<table::Write> read_write(std::string_view table, const json::value& given) {
  const auto* one = given.if_object();
  for (const auto& [request, member] : {std::pair("PutRequest", "Item"), std::pair("DeleteRequest", "Key")}) {
    const json::value* inner = one == nullptr ? nullptr : one->if_contains(request);
    if (inner == nullptr || !inner->is_object() || one->size() != 1) continue;
    auto item = item_of(inner->get_object(), member);
    if (!item) return item.error();
    return table::Write{std::string(table), std::move(*item), std::string_view(member) == "Key"};
  }
  return validation(
      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
      "supported datatypes: each request is one PutRequest or one DeleteRequest");
}

}  // namespace

Task<Result<std::string>> batch_write_item(Call& call) {
  const auto known = refuse_unknown(call.parameters, {"RequestItems"});
  if (!known) co_return known.error();
  const auto items = request_items(call);
  if (!items) co_return items.error();
  std::vector<table::Write> writes;
  std::set<std::pair<std::string, std::string>> keys;
  for (const auto& [table, requests] : **items) {
    const std::string name(table);
    const auto info = co_await call.service.tables.describe(name);
    if (!info) co_return from_table(info.error());
    for (const json::value& given : requests.is_array() ? requests.get_array() : json::array()) {
      auto write = read_write(name, given);
      if (!write) co_return write.error();
      table::Item key;
      for (const std::string& attribute : {info->hash.name, info->range ? info->range->name : info->hash.name})
        if (const auto found = write->item.find(attribute); found != write->item.end()) key.insert(*found);
      if (!keys.emplace(name, table::encode(key)).second)
        co_return validation("Provided list of item keys contains duplicates");
      writes.push_back(std::move(*write));
    }
  }
  if (writes.empty() || writes.size() > limits::kTableBatchWrites)
    co_return validation(
        "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map value "
        "must satisfy constraint: [Member must have length less than or equal to 25, Member must have "
        "length greater than or equal to 1]");
  const auto written = co_await call.service.tables.write(std::move(writes));
  if (!written) co_return from_table(written.error());
  co_return std::string("{\"UnprocessedItems\":{}}");
}

Task<Result<std::string>> batch_get_item(Call& call) {
  const auto known = refuse_unknown(call.parameters, {"RequestItems"});
  if (!known) co_return known.error();
  const auto items = request_items(call);
  if (!items) co_return items.error();
  std::string responses;
  std::size_t count = 0;
  for (const auto& [table, request] : **items) {
    const std::string name(table);
    std::vector<table::Item> found;
    const auto* asked = request.if_object();
    const json::value* keys = asked == nullptr ? nullptr : asked->if_contains("Keys");
    if (keys == nullptr || !keys->is_array()) co_return validation("The request has no Keys for " + name);
    if (auto plain = refuse_unknown(*asked, {"Keys"}); !plain) co_return plain.error();
    for (const json::value& given : keys->get_array()) {
      if (++count > limits::kTableBatchReads)
        co_return validation("Too many items requested for the BatchGetItem call");
      auto key = table::to_item(given);
      if (!key) co_return from_table(key.error());
      auto item = co_await call.service.tables.get(name, std::move(*key));
      if (!item) co_return from_table(item.error());
      if (*item) found.push_back(std::move(**item));
    }
    if (!responses.empty()) responses += ',';
    responses += json::serialize(json::string(name)) + ":" + items_array(found);
  }
  co_return "{\"Responses\":{" + responses + "},\"UnprocessedKeys\":{}}";
}

}  // namespace facefleet::localcloud::dynamodb
