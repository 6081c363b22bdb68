// The few things that we ask of a file system.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet {

// The whole file. kNotFound, or kInternal with the path and the system's reason.
Result<Bytes> read_file(const std::filesystem::path& path);

// Replaces `path` with `bytes` so that a crash leaves the old file or the new one, never a mixture:
// written beside it, fsynced, renamed, directory fsynced. `mode` as in open(2).
Result<void> write_file_atomic(const std::filesystem::path& path, BytesView bytes, unsigned mode = 0644);

// Makes `path`, which must not exist, of `bytes` and fsyncs it. That it is there outlasts a crash once its folder was
// synced too.
Result<void> write_new_file(const std::filesystem::path& path, BytesView bytes, unsigned mode = 0644);
Result<void> sync_folder(const std::filesystem::path& folder);

// A read-only mapping of a whole file. Unmapped when destroyed. An empty file maps to an empty view.
class MappedFile {
 public:
  static Result<std::unique_ptr<MappedFile>> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  BytesView bytes() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, std::size_t size) : data_(data), size_(size) {}
  const char* data_;
  std::size_t size_;
};

// An advisory lock (flock) that dies with the process. kConflict if another process holds it;
// the message then names that process's pid if it wrote one.
class LockFile {
 public:
  static Result<std::unique_ptr<LockFile>> acquire(const std::filesystem::path& path);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace facefleet
