// Tables on this machine's disk: rows in SQLite, each with a checksum.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/database.h"
#include "base/log.h"
#include "table/tables.h"

namespace facefleet::table {

// At most one on a database. `database` and `clock` must outlive the tables.
Result<std::unique_ptr<Tables>> open_durable_tables(Database& database, const Clock& clock, Log log);

}  // namespace facefleet::table
