#include "vision/engines/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <array>
#include <cstring>

namespace facefleet::vision {

Processor this_processor() {
  Processor out;
#if defined(__x86_64__)
  unsigned int a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d) == 0) return out;
  std::array<char, 12> name{};
  std::memcpy(name.data(), &b, 4);
  std::memcpy(name.data() + 4, &d, 4);
  std::memcpy(name.data() + 8, &c, 4);
  out.vendor.assign(name.data(), name.size());
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) out.amx_bf16 = (d & 1U << 22) != 0;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) out.avx512_bf16 = (a & 1U << 5) != 0;
#endif
  return out;
}

Precision fastest_precision(const Processor& processor) {
  if (processor.amx_bf16) return Precision::kBf16;
  // AMD's cores multiply bf16 at twice the rate of f32; Intel's do not without AMX, and the conversions cost time.
  if (processor.avx512_bf16 && processor.vendor == "AuthenticAMD") return Precision::kBf16;
  return Precision::kF32;
}

}  // namespace facefleet::vision
