// The files that are built into the binary: the page, and the picture of the readiness check. The list stands in
// src/CMakeLists.txt, the bytes are written by cmake/embed.cmake.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace facefleet::gateway {

struct Asset {
  std::string_view name;  // "index.html"
  BytesView bytes;
};

// Null if there is none of that name.
const Asset* find_asset(std::string_view name);

}  // namespace facefleet::gateway
