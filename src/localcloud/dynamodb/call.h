// What every DynamoDB action is handed, and what they share. Thread rule: base/task.h.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/task.h"
#include "table/tables.h"

namespace facefleet::localcloud::dynamodb {

// What the door hands to all its calls.
struct Service {
  table::Tables& tables;
  std::string account;
};

// One call; lives until its action has ended.
struct Call {
  Service& service;
  std::string region;  // that the caller signed for: a table's ARN names it
  boost::json::object parameters;
};

// An Error whose reason is DynamoDB's code.
Error dynamodb_error(Code code, std::string_view aws_code, std::string_view message);
Error validation(std::string_view message);
// A table's own error as DynamoDB tells it.
Error from_table(const Error& error);

// ValidationException if it is not there, or no text.
Result<std::string> text_of(const boost::json::object& parameters, std::string_view name);
// TableName, by name or ARN.
Result<std::string> table_name(const boost::json::object& parameters);
// An item, or a key, of that name.
Result<table::Item> item_of(const boost::json::object& parameters, std::string_view name);
// ValidationException if the call asks for what is not done here (an expression, an index): better than an answer that
// leaves it out.
Result<void> refuse_unknown(const boost::json::object& parameters, std::initializer_list<std::string_view> known);

// {"TableName": …, "KeySchema": …, "TableStatus": …}
std::string description(const Call& call, const table::TableInfo& table, std::string_view status);
// `[{…}, {…}]`
std::string items_array(const std::vector<table::Item>& items);

}  // namespace facefleet::localcloud::dynamodb
