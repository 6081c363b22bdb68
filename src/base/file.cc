#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace facefleet {
namespace {

Error system_error(const std::string& what, const std::filesystem::path& path, int number) {
  const Code code = number == ENOENT ? Code::kNotFound : number == ENOSPC ? Code::kBusy : Code::kInternal;
  return {code, what + " " + path.string() + ": " + std::strerror(number), ""};
}

// Closes on every path out of a function.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Result<void> write_all(int fd, BytesView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error("cannot open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error("cannot read", path, errno);
  if (S_ISDIR(status.st_mode)) return Error{Code::kInvalidInput, path.string() + " is a folder, not a file", ""};
  Bytes bytes;
  bytes.reserve(static_cast<std::size_t>(status.st_size));
  for (;;) {
    const std::size_t had = bytes.size();
    constexpr std::size_t kStep = 1 << 16;
    bytes.resize(std::max(had + kStep, static_cast<std::size_t>(status.st_size)));
    const ssize_t got = ::read(file.get(), bytes.data() + had, bytes.size() - had);
    if (got < 0 && errno != EINTR) return system_error("cannot read", path, errno);
    bytes.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return bytes;
  }
}

Result<void> write_file_atomic(const std::filesystem::path& path, BytesView bytes, unsigned mode) {
  const std::filesystem::path beside = path.string() + ".partial." + std::to_string(::getpid());
  {
    const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.get() < 0) return system_error("cannot create", beside, errno);
    if (auto written = write_all(file.get(), bytes, beside); !written) return written;
    if (::fsync(file.get()) != 0) return system_error("cannot fsync", beside, errno);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return system_error("cannot rename to", path, errno);
  return sync_folder(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
}

Result<void> write_new_file(const std::filesystem::path& path, BytesView bytes, unsigned mode) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.get() < 0) return system_error("cannot create", path, errno);
  if (auto written = write_all(file.get(), bytes, path); !written) return written;
  if (::fsync(file.get()) != 0) return system_error("cannot fsync", path, errno);
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return system_error("cannot fsync", folder, errno);
  return {};
}

Result<std::unique_ptr<MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error("cannot open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error("cannot read", path, errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::unique_ptr<MappedFile>(new MappedFile(nullptr, 0));
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) return system_error("cannot map", path, errno);
  return std::unique_ptr<MappedFile>(new MappedFile(static_cast<const char*>(data), size));
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<char*>(data_), size_);
}

Result<std::unique_ptr<LockFile>> LockFile::acquire(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) return system_error("cannot open", path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    std::string holder(32, '\0');
    const ssize_t got = ::pread(file.get(), holder.data(), holder.size(), 0);
    holder.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return Error{Code::kConflict,
                 path.string() + " is held by " + (holder.empty() ? "another process" : "process " + holder), "locked"};
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), pid.data(), pid.size(), 0) < 0)
    return system_error("cannot write", path, errno);
  return std::unique_ptr<LockFile>(new LockFile(file.release()));
}

LockFile::~LockFile() { ::close(fd_); }

}  // namespace facefleet
