// Tables in Amazon DynamoDB, or anything that speaks its JSON form.
//
// What differs from the memory and durable backends, because DynamoDB does: a new table takes seconds to become ACTIVE,
// which create() waits for; a batch is not one transaction (and is sent again until all of it is done); counts are
// some hours old.
#pragma once

#include <memory>

#include "aws/client.h"
#include "table/tables.h"

namespace facefleet::table {

// `client` must be a client of service "dynamodb" and outlive the tables and whatever they were asked.
std::unique_ptr<Tables> open_dynamodb_tables(aws::Client& client);

}  // namespace facefleet::table
