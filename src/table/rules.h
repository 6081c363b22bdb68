// What every backend that keeps items itself decides in the same way. Pure functions.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "table/tables.h"

namespace facefleet::table {

Result<void> check_table(const TableInfo& table);
Error no_such_table(std::string_view table);
Error table_exists(std::string_view table);

// The bytes that an item's key is kept under. kInvalidInput with DynamoDB's sentence if it lacks an attribute, or one
// has another type than the table says. `exact`: no further attribute may be there.
Result<Bytes> key_of(const TableInfo& table, const Item& item, bool exact);
// The key's attributes out of an item.
Item key_attributes(const TableInfo& table, const Item& item);
// Of an item of so many bytes in JSON.
Result<void> check_size(std::size_t encoded_bytes);

}  // namespace facefleet::table
