// Objects that live and die with the process.
#pragma once

#include <memory>

#include "base/clock.h"
#include "store/object_store.h"

namespace facefleet::store {

// `clock` must outlive the store.
std::unique_ptr<ObjectStore> open_memory_store(const Clock& clock);

}  // namespace facefleet::store
