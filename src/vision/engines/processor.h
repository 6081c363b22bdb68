// What the processor offers that decides a network's precision.
#pragma once

#include <string>

#include "vision/pipeline.h"

namespace facefleet::vision {

struct Processor {
  std::string vendor;  // CPUID leaf 0: "GenuineIntel", "AuthenticAMD"
  bool avx512_bf16 = false;
  bool amx_bf16 = false;
};

// Asks CPUID. Everything false on other processors than x86-64.
Processor this_processor();

// kBf16 where it makes the recogniser faster without harm, else kF32. Measured in docs/decisions/0002-precision.md.
Precision fastest_precision(const Processor& processor);

}  // namespace facefleet::vision
