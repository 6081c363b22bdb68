// Ready means: a worker of this system has recognised a picture that we bring along. Thread rule: base/task.h.
#pragma once

#include <memory>

#include "gateway/service.h"

namespace facefleet::gateway {

// Returns once the system is ready: at once where it was before, with this version; else after a worker's answer, tried
// again until there is one. Leaves nothing in the views.
Task<> become_ready(std::shared_ptr<Service> service);

}  // namespace facefleet::gateway
