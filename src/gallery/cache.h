// The indices of segments, as files that this machine's processes share: FOLDER/<gallery>/<sha256>.seg. A file appears
// whole (written beside, fsynced, renamed) and under a name that vouches for it; it is only ever added or deleted.
// Blocking; thread-safe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "gallery/segment.h"

namespace facefleet::gallery {

class SegmentCache {
 public:
  explicit SegmentCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // kNotFound if it must be fetched: not here, or here but damaged (then it is deleted).
  Result<std::shared_ptr<const Segment>> open(std::string_view gallery, std::string_view sha256) const;

  // Keeps an index and opens it. kCorrupt if the bytes are not those that the name says.
  Result<std::shared_ptr<const Segment>> keep(std::string_view gallery, std::string_view sha256, Bytes index) const;

  // Deletes whatever of `gallery` is not named. Mapped segments stay readable for those who have them.
  void drop_all_but(std::string_view gallery, const std::vector<std::string>& sha256s) const;

 private:
  std::filesystem::path file(std::string_view gallery, std::string_view sha256) const;

  std::filesystem::path folder_;
};

}  // namespace facefleet::gallery
