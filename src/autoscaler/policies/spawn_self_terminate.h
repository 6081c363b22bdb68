// The rule of S2: as many new workers as the queue's length exceeds those there are, at most the cap in all. It never
// ends one: a worker that finds the queue empty ends itself.
#pragma once

#include "autoscaler/policy.h"

namespace facefleet::autoscaler {

inline constexpr std::string_view kSpawnSelfTerminate = "spawn-self-terminate";

std::unique_ptr<Policy> make_spawn_self_terminate(const PolicyOptions& options);

}  // namespace facefleet::autoscaler
