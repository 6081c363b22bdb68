#include "gallery/cache.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/ids.h"

namespace facefleet::gallery {
namespace fs = std::filesystem;

namespace {

// A file that a process writes before it renames it ends in that process's id.
bool left_by_a_dead_process(const fs::path& path) {
  const std::string digits = path.extension().string().substr(1);
  pid_t pid = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  return parsed.ec == std::errc() && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

fs::path SegmentCache::file(std::string_view gallery, std::string_view sha256) const {
  return folder_ / gallery / (std::string(sha256) + ".seg");
}

Result<std::shared_ptr<const Segment>> SegmentCache::open(std::string_view gallery, std::string_view sha256) const {
  const fs::path path = file(gallery, sha256);
  auto segment = Segment::map(path);
  if (segment || segment.error().code != Code::kCorrupt) return segment;
  std::error_code ignored;
  fs::remove(path, ignored);
  return Error{Code::kNotFound, path.string() + " was damaged and has been deleted", "damaged"};
}

Result<std::shared_ptr<const Segment>> SegmentCache::keep(std::string_view gallery, std::string_view sha256,
                                                          Bytes index) const {
  // Checked in full here, once a machine, so that opening need not read it all again.
  auto parsed = Segment::parse(std::move(index), sha256);
  if (!parsed) return parsed.error();
  const fs::path path = file(gallery, sha256);
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  // Faces' embeddings are nobody else's to read.
  fs::permissions(folder_, fs::perms::owner_all, error);
  SystemRandom random;
  const fs::path beside = path.string() + "." + random_hex(random, 16) + "." + std::to_string(::getpid());
  if (auto written = write_file_atomic(beside, (*parsed)->bytes(), 0600); !written) return written.error();
  fs::rename(beside, path, error);
  if (error) return Error{Code::kInternal, "cannot rename to " + path.string() + ": " + error.message(), ""};
  return Segment::map(path);
}

void SegmentCache::drop_all_but(std::string_view gallery, const std::vector<std::string>& sha256s) const {
  std::error_code error;
  std::vector<fs::path> litter;
  for (fs::directory_iterator entry(folder_ / gallery, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.extension() == ".seg" ? std::ranges::find(sha256s, path.stem().string()) == sha256s.end()
                                   : path.has_extension() && left_by_a_dead_process(path))
      litter.push_back(path);
  }
  for (const fs::path& path : litter) fs::remove(path, error);
  if (sha256s.empty()) fs::remove(folder_ / gallery, error);  // unless somebody is writing into it
}

}  // namespace facefleet::gallery
