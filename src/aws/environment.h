// The environment as a parameter, so that a test says what is set.
#pragma once

#include <functional>
#include <string>

namespace facefleet::aws {

// A variable's value; empty where it is not set.
using Environment = std::function<std::string(const std::string& name)>;

// This process's own.
Environment process_environment();

}  // namespace facefleet::aws
