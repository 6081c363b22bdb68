// Photos to enrol: a folder or a ZIP file, with one folder a person, or with labels from a CSV file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::tools {

struct PhotoEntry {
  std::string path;   // inside the source, '/' between folders
  std::string label;  // whose photo it is; empty: nobody says
};

// Not thread-safe.
class PhotoSource {
 public:
  // `path`: a folder (nested to any depth, links followed) or a ZIP file. Without `labels` a photo belongs to the
  // person that its folder is named after. Hidden files, macOS's shadows in ZIP files and the labels' own file are
  // left out; whether a file is a photo is for its reader to say. kInvalidInput, kNotFound.
  static Result<std::unique_ptr<PhotoSource>> open(const std::filesystem::path& path,
                                                   const std::optional<std::filesystem::path>& labels);
  virtual ~PhotoSource() = default;

  const std::vector<PhotoEntry>& entries() const { return entries_; }  // by path

  // A photo's bytes. kInvalidInput with reason `photo_too_large` beyond kPhotoFileBytes, `unreadable`.
  virtual Result<Bytes> read(std::size_t index) = 0;

 protected:
  std::vector<PhotoEntry> entries_;
};

// What a memory can hold a few hundred of; servers' own limits are lower.
inline constexpr std::size_t kPhotoFileBytes = 64 << 20;

}  // namespace facefleet::tools
