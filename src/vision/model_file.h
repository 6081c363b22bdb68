// Whether a model file is the one that its card names.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace facefleet::vision {

// Compares the file's SHA-256 (64 hex digits) with `sha256`. A file that was verified before is known by its path,
// size and time of change, noted in `cache_dir` (empty: never noted), as hashing 38 MB takes a third of a cold start.
// kInvalidInput: another file; kNotFound: none.
Result<void> verify_model_file(const std::filesystem::path& file, const std::string& sha256,
                               const std::filesystem::path& cache_dir);

}  // namespace facefleet::vision
