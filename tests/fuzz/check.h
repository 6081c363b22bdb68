// What a fuzzer holds true of what it has parsed.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace facefleet::fuzz {

// Ends the process, as libFuzzer expects of a finding, unless it `holds`.
inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace facefleet::fuzz
