// Bytes of strangers as a job and as an outcome: refused, or a value that survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "jobs/job.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace jobs = facefleet::jobs;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto job = jobs::decode_job(bytes)) {
    const auto again = jobs::decode_job(jobs::encode(*job));
    if (!again || again->id != job->id) std::abort();
  }
  if (const auto outcome = jobs::decode_outcome(bytes)) {
    const auto again = jobs::decode_outcome(jobs::encode(*outcome));
    if (!again || again->faces.size() != outcome->faces.size()) std::abort();
#ifdef FACEFLEET_FUZZ_CANARY
    if (outcome->faces.size() == 1 && outcome->faces.front().matches.empty()) {
      std::fputs("planted bug\n", stderr);
      std::abort();
    }
#endif
  }
  return 0;
}
