// An ObjectStore in which the objects of one bucket below one prefix are items of a table: how a profile keeps outcomes
// in DynamoDB, while everything that reads, sweeps or erases them goes on as it was. All else is the inner store's.
//
// An item has the attributes `id` (the key behind the prefix; the table's own key), `outcome` (the body: text where it
// is UTF-8, else bytes), `etag`, `content_type` and `modified_ms`. Metadata and conditional puts stay in the inner
// store; a body that is longer than an item may be is not kept at all, which for what is kept for reuse means that it
// is made anew.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "store/object_store.h"
#include "table/tables.h"

namespace facefleet::table {

struct Mount {
  std::string bucket;
  std::string prefix;
  std::string table;  // its key is `id`, a text
};

// All that is handed in must outlive the store.
std::unique_ptr<store::ObjectStore> open_mounted_store(store::ObjectStore& inner, Tables& tables, Mount mount,
                                                       const Clock& clock, Log log);

// The table that a mount needs.
TableInfo mount_table(std::string name);

}  // namespace facefleet::table
