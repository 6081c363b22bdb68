// Takes answers off the response queue and hands each to whoever waits for it (pending.h). Thread rule: base/task.h.
#pragma once

#include <memory>

#include "gateway/service.h"

namespace facefleet::gateway {

// Receives until cancelled. Several run at once, so that one can receive while another hands over.
Task<> receive_answers(std::shared_ptr<Service> service);

}  // namespace facefleet::gateway
