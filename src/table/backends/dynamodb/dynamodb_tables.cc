#include "table/backends/dynamodb/dynamodb_tables.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/limits.h"
#include "table/codec.h"

namespace facefleet::table {
namespace {

namespace json = boost::json;

constexpr Millis kCallTimeout{20'000};
constexpr Millis kActivePoll{500};
constexpr int kActivePolls = 120;
constexpr int kBatchTries = 10;  // of what a batch left undone

Error translate(Error error) {
  if (error.reason == "ResourceNotFoundException") {
    error.code = Code::kNotFound;
    error.reason = "no_such_table";
  }
  if (error.reason == "ResourceInUseException") {
    error.code = Code::kConflict;
    error.reason = "table_exists";
  }
  return error;
}

Error bad_answer() { return {Code::kUnavailable, "DynamoDB gave an answer that is not in its form", "bad_answer"}; }

std::string_view letter(Type type) { return type == Type::kNumber ? "N" : type == Type::kBytes ? "B" : "S"; }

Type type_of(std::string_view letter) {
  return letter == "N" ? Type::kNumber : letter == "B" ? Type::kBytes : Type::kText;
}

json::value to_json(const Item& item) { return json::parse(encode(item)); }

std::string text_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t number_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

const json::array& array_at(const json::object& object, std::string_view name) {
  static const json::array kNone;
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

// Of {"Table": {…}} or {"TableDescription": {…}}.
Result<TableInfo> read_table(const json::object& answer, std::string_view name) {
  const json::value* told = answer.if_contains(name);
  if (told == nullptr || !told->is_object()) return bad_answer();
  const json::object& table = told->get_object();
  TableInfo info;
  info.name = text_at(table, "TableName");
  if (const json::value* created = table.if_contains("CreationDateTime"); created != nullptr && created->is_number())
    info.created_ms = static_cast<std::int64_t>(created->to_number<double>() * 1'000);
  info.items = number_at(table, "ItemCount");
  info.bytes = number_at(table, "TableSizeBytes");
  for (const json::value& one : array_at(table, "KeySchema")) {
    if (!one.is_object()) return bad_answer();
    KeyAttribute key;
    key.name = text_at(one.get_object(), "AttributeName");
    for (const json::value& definition : array_at(table, "AttributeDefinitions"))
      if (definition.is_object() && text_at(definition.get_object(), "AttributeName") == key.name)
        key.type = type_of(text_at(definition.get_object(), "AttributeType"));
    if (text_at(one.get_object(), "KeyType") == "HASH")
      info.hash = std::move(key);
    else
      info.range = std::move(key);
  }
  return info;
}

Result<std::optional<Item>> item_at(const json::object& answer, std::string_view name) {
  const json::value* given = answer.if_contains(name);
  if (given == nullptr) return std::optional<Item>();
  auto item = to_item(*given);
  if (!item) return bad_answer();
  return std::optional(std::move(*item));
}

class DynamoDbTables final : public Tables {
 public:
  explicit DynamoDbTables(aws::Client& client) : client_(client) {}

  Task<Result<TableInfo>> create(TableInfo table) override {
    json::array attributes, schema;
    const auto add = [&](const KeyAttribute& key, std::string_view role) {
      attributes.push_back(json::object{{"AttributeName", key.name}, {"AttributeType", letter(key.type)}});
      schema.push_back(json::object{{"AttributeName", key.name}, {"KeyType", role}});
    };
    add(table.hash, "HASH");
    if (table.range) add(*table.range, "RANGE");
    json::object parameters{{"TableName", table.name},
                            {"AttributeDefinitions", std::move(attributes)},
                            {"KeySchema", std::move(schema)},
                            {"BillingMode", "PAY_PER_REQUEST"}};
    const auto made = co_await call("CreateTable", std::move(parameters), false);
    if (!made) co_return made.error();
    for (int poll = 0; poll < kActivePolls; ++poll) {
      json::object asked{{"TableName", table.name}};
      const auto told = co_await call("DescribeTable", std::move(asked), true);
      if (!told && told.error().code != Code::kNotFound) co_return told.error();
      if (told && told->contains("Table") && told->at("Table").is_object() &&
          text_at(told->at("Table").get_object(), "TableStatus") == "ACTIVE")
        co_return read_table(*told, "Table");
      co_await sleep_for(kActivePoll);
    }
    co_return Error{Code::kTimedOut, "the table " + table.name + " did not become ACTIVE; look at it in DynamoDB", ""};
  }

  Task<Result<TableInfo>> describe(std::string table) override {
    json::object parameters{{"TableName", table}};
    const auto told = co_await call("DescribeTable", std::move(parameters), true);
    if (!told) co_return told.error();
    co_return read_table(*told, "Table");
  }

  Task<Result<std::vector<std::string>>> list() override {
    std::vector<std::string> names;
    std::string after;
    do {
      json::object parameters;
      if (!after.empty()) parameters["ExclusiveStartTableName"] = after;
      const auto told = co_await call("ListTables", std::move(parameters), true);
      if (!told) co_return told.error();
      for (const json::value& name : array_at(*told, "TableNames"))
        if (name.is_string()) names.emplace_back(name.get_string());
      after = text_at(*told, "LastEvaluatedTableName");
    } while (!after.empty());
    std::ranges::sort(names);
    co_return names;
  }

  Task<Result<TableInfo>> remove(std::string table) override {
    json::object parameters{{"TableName", table}};
    const auto told = co_await call("DeleteTable", std::move(parameters), false);
    if (!told) co_return told.error();
    co_return read_table(*told, "TableDescription");
  }

  Task<Result<std::optional<Item>>> put(std::string table, Item item) override {
    json::object parameters{{"TableName", table}, {"Item", to_json(item)}, {"ReturnValues", "ALL_OLD"}};
    const auto done = co_await call("PutItem", std::move(parameters), true);
    if (!done) co_return done.error();
    co_return item_at(*done, "Attributes");
  }

  Task<Result<std::optional<Item>>> get(std::string table, Item key) override {
    json::object parameters{{"TableName", table}, {"Key", to_json(key)}, {"ConsistentRead", true}};
    const auto done = co_await call("GetItem", std::move(parameters), true);
    if (!done) co_return done.error();
    co_return item_at(*done, "Item");
  }

  Task<Result<std::optional<Item>>> erase(std::string table, Item key) override {
    json::object parameters{{"TableName", table}, {"Key", to_json(key)}, {"ReturnValues", "ALL_OLD"}};
    const auto done = co_await call("DeleteItem", std::move(parameters), true);
    if (!done) co_return done.error();
    co_return item_at(*done, "Attributes");
  }

  Task<Result<void>> write(std::vector<Write> writes) override {
    for (std::size_t at = 0; at < writes.size(); at += limits::kTableBatchWrites) {
      json::object requests;
      for (std::size_t i = at; i < std::min(at + limits::kTableBatchWrites, writes.size()); ++i) {
        json::value& of_table = requests[writes[i].table];
        if (of_table.is_null()) of_table = json::array();
        json::object one;
        if (writes[i].erase)
          one["DeleteRequest"] = json::object{{"Key", to_json(writes[i].item)}};
        else
          one["PutRequest"] = json::object{{"Item", to_json(writes[i].item)}};
        of_table.get_array().push_back(std::move(one));
      }
      const auto done = co_await write_batch(std::move(requests));
      if (!done) co_return done;
    }
    co_return Result<void>();
  }

  Task<Result<Page>> scan(std::string table, std::optional<Item> after, std::uint32_t max) override {
    json::object parameters{{"TableName", table}, {"Limit", std::int64_t{std::min<std::uint32_t>(max, INT32_MAX)}}};
    if (after) parameters["ExclusiveStartKey"] = to_json(*after);
    const auto done = co_await call("Scan", std::move(parameters), true);
    if (!done) co_return done.error();
    Page page;
    for (const json::value& one : array_at(*done, "Items")) {
      auto item = to_item(one);
      if (!item) co_return bad_answer();
      page.items.push_back(std::move(*item));
    }
    auto last = item_at(*done, "LastEvaluatedKey");
    if (!last) co_return last.error();
    page.last = std::move(*last);
    co_return page;
  }

 private:
  Task<Result<json::object>> call(std::string action, json::object parameters, bool idempotent) {
    net::HttpRequest request;
    request.method = "POST";
    request.headers.add("Content-Type", "application/x-amz-json-1.0");
    request.headers.add("X-Amz-Target", "DynamoDB_20120810." + action);
    request.body = json::serialize(parameters);
    const auto response = co_await client_.call(std::move(request), kCallTimeout, idempotent);
    if (!response) co_return translate(response.error());
    boost::system::error_code failed;
    json::value body = json::parse(response->body, failed);
    if (failed || !body.is_object()) co_return bad_answer();
    co_return std::move(body.get_object());
  }

  // DynamoDB may do a part of a batch and hand back the rest.
  Task<Result<void>> write_batch(json::object requests) {
    for (int tries = 0; tries < kBatchTries; ++tries) {
      json::object parameters{{"RequestItems", std::move(requests)}};
      const auto done = co_await call("BatchWriteItem", std::move(parameters), true);
      if (!done) co_return done.error();
      const json::value* left = done->if_contains("UnprocessedItems");
      if (left == nullptr || !left->is_object() || left->get_object().empty()) co_return Result<void>();
      requests = left->get_object();
      co_await sleep_for(Millis(50) * (1 << std::min(tries, 5)));
    }
    co_return Error{Code::kBusy, "DynamoDB left a part of the batch undone; try again later", "throttled"};
  }

  aws::Client& client_;
};

}  // namespace

std::unique_ptr<Tables> open_dynamodb_tables(aws::Client& client) { return std::make_unique<DynamoDbTables>(client); }

}  // namespace facefleet::table
