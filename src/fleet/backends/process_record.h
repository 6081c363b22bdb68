// What the process fleet keeps on disk of each worker, so that its next owner knows the process again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "fleet/fleet.h"

namespace facefleet::fleet {

struct ProcessRecord {
  Instance instance;              // pid 0: stopped, or about to be started
  std::uint64_t start_ticks = 0;  // of its process
  bool pooled = false;            // once its process has ended it is stopped, not terminated
  std::string token, terms;       // of its launch
  std::vector<std::string> arguments;
};

// Atomic for readers and against the death of this process; not fsynced, as no process outlives a power cut either, and
// a pool is filled up again at the next start. What a worker says of itself is not kept.
Result<void> write_record(const std::filesystem::path& path, const ProcessRecord& record);

// All records of a folder, in no order. A file that cannot be read as one is removed.
std::vector<ProcessRecord> read_records(const std::filesystem::path& folder);

}  // namespace facefleet::fleet
