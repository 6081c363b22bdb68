#include "aws/environment.h"

#include <cstdlib>

namespace facefleet::aws {

Environment process_environment() {
  return [](const std::string& name) -> std::string {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
  };
}

}  // namespace facefleet::aws
