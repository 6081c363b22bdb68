// Objects on this machine's disk: rows in SQLite, with small bodies inside them and larger ones as
// files under FOLDER/objects, named by number so that no key can leave the folder.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/database.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "store/object_store.h"

namespace facefleet::store {

// Sweeps files that no object owns (left by a crash). At most one store on a database. `database` and
// `clock` must outlive the store; `executor` is the I/O thread's.
Result<std::unique_ptr<ObjectStore>> open_durable_store(const Executor& executor, Database& database,
                                                        const Clock& clock, Log log);

}  // namespace facefleet::store
