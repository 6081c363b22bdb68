#include "vision/model_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"

namespace facefleet::vision {

Result<void> verify_model_file(const std::filesystem::path& file, const std::string& sha256,
                               const std::filesystem::path& cache_dir) {
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(file, ignored);
  struct stat status {};
  if (::stat(absolute.c_str(), &status) != 0)
    return Error{Code::kNotFound,
                 "the model file " + file.string() + " cannot be read (" + std::strerror(errno) + "); fetch it first",
                 "model_missing"};
  const std::string note = sha256 + " " + std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) +
                           "." + std::to_string(status.st_mtim.tv_nsec) + " " + std::to_string(status.st_ino) + " " +
                           absolute.string() + "\n";
  const std::filesystem::path note_path =
      cache_dir / (file.stem().string() + "-" + hex(facefleet::sha256(absolute.string())).substr(0, 16) + ".verified");
  if (!cache_dir.empty()) {
    const Result<Bytes> noted = read_file(note_path);
    if (noted && *noted == note) return {};
  }
  const Result<std::unique_ptr<MappedFile>> mapped = MappedFile::open(absolute);
  if (!mapped) return mapped.error();
  const std::string found = hex(facefleet::sha256((*mapped)->bytes()));
  if (found != sha256)
    return Error{Code::kInvalidInput,
                 "the model file " + file.string() + " has the SHA-256 " + found + ", not " + sha256 +
                     " as its card says; delete it and fetch it again",
                 "model_differs"};
  // A note that cannot be written costs the next start some milliseconds, and is no reason to fail this one.
  if (!cache_dir.empty()) (void)write_file_atomic(note_path, note);
  return {};
}

}  // namespace facefleet::vision
