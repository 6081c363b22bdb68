// What the process fleet keeps on disk of each worker, so that its next owner knows the process again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace facefleet::fleet {

struct ProcessRecord {
  std::string id;
  std::string name;
  std::int64_t launched_ms = 0;
  int pid = 0;  // 0: about to be started
  std::uint64_t start_ticks = 0;
  bool leaving = false;  // it was asked to leave
  std::vector<std::string> arguments;
};

// Atomic for readers and against the death of this process; not fsynced, as no process outlives a power cut either.
Result<void> write_record(const std::filesystem::path& path, const ProcessRecord& record);

// All records of a folder, in no order. A file that cannot be read as one is removed.
std::vector<ProcessRecord> read_records(const std::filesystem::path& folder);

}  // namespace facefleet::fleet
