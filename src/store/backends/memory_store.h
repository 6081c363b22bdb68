// Objects that live and die with the process.
#pragma once

#include <memory>

#include "base/clock.h"
#include "store/local_store.h"

namespace facefleet::store {

// `clock` must outlive the store.
std::unique_ptr<LocalStore> open_memory_store(const Clock& clock);

}  // namespace facefleet::store
