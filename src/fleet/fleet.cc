#include "fleet/fleet.h"

namespace facefleet::fleet {

std::string_view to_string(InstanceState state) {
  switch (state) {
    case InstanceState::kPending: return "pending";
    case InstanceState::kRunning: return "running";
    case InstanceState::kShuttingDown: return "shutting-down";
    case InstanceState::kTerminated: return "terminated";
    case InstanceState::kStopping: return "stopping";
    case InstanceState::kStopped: return "stopped";
  }
  return "unknown";
}

bool takes_room(InstanceState state) { return state != InstanceState::kTerminated && state != InstanceState::kStopped; }

std::string_view to_string(WorkerState state) {
  switch (state) {
    case WorkerState::kUnknown: return "unknown";
    case WorkerState::kStarting: return "starting";
    case WorkerState::kIdle: return "idle";
    case WorkerState::kBusy: return "busy";
    case WorkerState::kDraining: return "draining";
  }
  return "unknown";
}

}  // namespace facefleet::fleet
