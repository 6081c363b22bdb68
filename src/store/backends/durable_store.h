// Objects on this machine's disk: rows in SQLite, with small bodies inside them and larger ones as
// files under FOLDER/objects, named by number so that no key can leave the folder. What comes in pieces lies there in
// files of kObjectSegmentBytes, each with a checksum of its own, so that reading a part reads no more than that.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/database.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "store/local_store.h"

namespace facefleet::store {

// Sweeps files that no object owns (left by a crash). At most one store on a database. `database` and
// `clock` must outlive the store; `executor` is the I/O thread's.
Result<std::unique_ptr<LocalStore>> open_durable_store(const Executor& executor, Database& database, const Clock& clock,
                                                       Log log);

}  // namespace facefleet::store
