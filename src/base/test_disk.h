// For tests only: SQLite's own file layer, whose fsyncs of the write-ahead log can be held up, and whose writes and
// fsyncs fail when they are told to, as those of a full, broken or lying disk do. At most one at a time.
#pragma once

#include <sqlite3.h>

#include <condition_variable>
#include <mutex>

namespace facefleet {

class FaultyDisk {
 public:
  enum class Fault {
    kNone,
    kFull,        // no write gets through: ENOSPC
    kBroken,      // no write gets through: EIO
    kShortWrite,  // half of each write gets through, then EIO
    kFsync,       // writes get through, their fsync fails
  };

  FaultyDisk() {
    current() = this;
    real_ = sqlite3_vfs_find("unix-excl");
    layer_ = *real_;
    // Under the same name, and found before it.
    layer_.xOpen = &FaultyDisk::open;
    sqlite3_vfs_register(&layer_, 1);
  }
  ~FaultyDisk() {
    sqlite3_vfs_register(real_, 1);
    sqlite3_vfs_unregister(&layer_);
    current() = nullptr;
  }
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  // ---- fsyncs of the log ----
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  void await_fsync() {  // until one is held up
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_; });
  }
  void break_fsync() { fail(Fault::kFsync, 0); }
  int fsyncs() {
    const std::lock_guard lock(mutex_);
    return fsyncs_;
  }

  // From the write or fsync after the next `after` on, of the database and its log; kNone: all is well again.
  void fail(Fault fault, int after) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    left_ = after;
  }

 private:
  static FaultyDisk*& current() {  // SQLite's callbacks carry no pointer of ours
    static FaultyDisk* disk = nullptr;
    return disk;
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    FaultyDisk& disk = *current();
    const int code = disk.real_->xOpen(disk.real_, name, file, flags, out_flags);
    if (code != SQLITE_OK || (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)) == 0) return code;
    const bool log = (flags & SQLITE_OPEN_WAL) != 0;
    const std::lock_guard lock(disk.mutex_);
    disk.real_methods_ = *file->pMethods;
    sqlite3_io_methods& methods = log ? disk.log_methods_ : disk.methods_;
    methods = *file->pMethods;
    methods.xWrite = &FaultyDisk::write;
    methods.xSync = log ? &FaultyDisk::sync_log : &FaultyDisk::sync;
    file->pMethods = &methods;
    return SQLITE_OK;
  }

  // Whether the next write or fsync meets the fault. Under the mutex.
  bool strikes() { return fault_ != Fault::kNone && left_-- <= 0; }

  static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 at) {
    FaultyDisk& disk = *current();
    const std::lock_guard lock(disk.mutex_);
    if (disk.fault_ == Fault::kFsync || !disk.strikes()) return disk.real_methods_.xWrite(file, bytes, count, at);
    if (disk.fault_ == Fault::kFull) return SQLITE_FULL;
    if (disk.fault_ == Fault::kShortWrite) disk.real_methods_.xWrite(file, bytes, count / 2, at);
    return SQLITE_IOERR_WRITE;
  }

  static int sync(sqlite3_file* file, int flags) {
    FaultyDisk& disk = *current();
    const std::lock_guard lock(disk.mutex_);
    return disk.fault_ == Fault::kFsync && disk.strikes() ? SQLITE_IOERR_FSYNC : disk.real_methods_.xSync(file, flags);
  }

  static int sync_log(sqlite3_file* file, int flags) {
    FaultyDisk& disk = *current();
    std::unique_lock lock(disk.mutex_);
    ++disk.fsyncs_;
    disk.waiting_ = true;
    disk.changed_.notify_all();
    disk.changed_.wait(lock, [&disk] { return !disk.held_; });
    disk.waiting_ = false;
    return disk.fault_ == Fault::kFsync && disk.strikes() ? SQLITE_IOERR_FSYNC : disk.real_methods_.xSync(file, flags);
  }

  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs layer_{};
  sqlite3_io_methods real_methods_{};
  sqlite3_io_methods methods_{};
  sqlite3_io_methods log_methods_{};

  std::mutex mutex_;
  std::condition_variable changed_;
  Fault fault_ = Fault::kNone;
  int left_ = 0;
  bool held_ = false;
  bool waiting_ = false;
  int fsyncs_ = 0;
};

}  // namespace facefleet
