// Tables that live and die with the process.
#pragma once

#include <memory>

#include "base/clock.h"
#include "table/tables.h"

namespace facefleet::table {

// `clock` must outlive the tables.
std::unique_ptr<Tables> open_memory_tables(const Clock& clock);

}  // namespace facefleet::table
