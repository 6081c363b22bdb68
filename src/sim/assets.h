// Files that are built into the program: the report's page, its charts, the optima. Written by cmake/embed.cmake.
#pragma once

#include <string_view>

namespace facefleet::sim {

struct Asset {
  std::string_view name;
  std::string_view bytes;
};

// nullptr if there is none of that name.
const Asset* find_asset(std::string_view name);

}  // namespace facefleet::sim
