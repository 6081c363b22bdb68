// The photos to send, read before the clock starts.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::load {

struct Photo {
  std::string name;  // file name without folders: what is uploaded
  Bytes bytes;
};

// The first `count_max` photos (.jpg, .jpeg, .png, .webp in any case) of a folder with its subfolders, or of a ZIP
// file, in the order of their paths. kInvalidInput if there is none, or if it is neither folder nor ZIP file.
Result<std::vector<Photo>> read_photos(const std::filesystem::path& source, std::size_t count_max);

}  // namespace facefleet::load
