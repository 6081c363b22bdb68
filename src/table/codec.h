// Items in DynamoDB's JSON: {"id": {"S": "a"}, "n": {"N": "1"}}. It is how they travel, and how they lie on disk.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "table/value.h"

namespace facefleet::table {

// kInvalidInput with DynamoDB's own sentence if it is none.
Result<Item> to_item(const boost::json::value& json);
Result<Item> decode_item(std::string_view json);
void append_item(std::string& out, const Item& item);
std::string encode(const Item& item);

// A number of at most 38 digits in its one canonical spelling: `1`, `-0.5`, `1200`; nothing if it is none.
std::optional<std::string> canonical_number(std::string_view text);

}  // namespace facefleet::table
