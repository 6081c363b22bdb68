#include "base/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <cmath>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"

namespace facefleet {
namespace {

using std::chrono::steady_clock;

constexpr std::int64_t kApplicationId = 0x46464c54;  // `FFLT`, in the file's header
// 2: rooms have added columns to their tables, with defaults, so that what 1 wrote is read as it is.
constexpr std::int64_t kFormat = 2;
// Of 4, 8, 16 and 32 KiB, 8 KiB took the least CPU for 20 KB bodies (docs/decisions/0005-durable-state.md).
constexpr int kPageBytes = 8'192;
constexpr int kVacuumPages = 256;  // a slice of at most a few ms, so that commits wait no longer than that
constexpr int kBusyMs = 2'000;
// Transactions that were shared of late are worth a moment's wait for more to share the next: an fsync costs this
// machine far more than the moment costs its many callers. A caller who is alone never waits: then each has one
// operation. And once as many have come as shared a transaction at most of late, nobody else is expected: those who
// wait for their answers before they ask again are all here.
constexpr double kCompanyMin = 1.4;
constexpr double kCompanyWeight = 0.1;
constexpr double kCrowdKept = 0.9;             // of the most, from one transaction to the next
constexpr std::size_t kBatchOperations = 256;  // of them, none waits for company

Error sqlite_error(int code, const char* detail) {
  const std::string message = std::string("database: ") + detail;
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT: return {Code::kConflict, message, "constraint"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {Code::kCorrupt, message, "database_corrupt"};
    case SQLITE_FULL: return {Code::kBusy, message + "; free some space", "disk_full"};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_BUSY: return {Code::kUnavailable, message, "database_io"};
    default: return {Code::kInternal, message, "database"};
  }
}

Error last_error(sqlite3* handle) { return sqlite_error(sqlite3_extended_errcode(handle), sqlite3_errmsg(handle)); }

Error unavailable() {
  return {Code::kUnavailable, "the database stopped after a failed write; see the log, mend the disk and restart",
          "database_failed"};
}

int bind_value(sqlite3_stmt* statement, int index, const SqlValue& value) {
  switch (value.kind()) {
    case SqlValue::Kind::kNull: return sqlite3_bind_null(statement, index);
    case SqlValue::Kind::kInteger: return sqlite3_bind_int64(statement, index, value.integer());
    case SqlValue::Kind::kBytes: break;
  }
  // SQLite takes a null pointer for NULL, and an empty view may hold one.
  const char* data = value.bytes().empty() ? "" : value.bytes().data();
  return sqlite3_bind_blob64(statement, index, data, value.bytes().size(), SQLITE_STATIC);
}

}  // namespace

std::int64_t row_checksum(std::initializer_list<SqlValue> values) {
  std::uint32_t sum = 0;
  for (const SqlValue& value : values) {
    // A number, or a length that keeps ("ab", "c") apart from ("a", "bc").
    const std::int64_t number =
        value.kind() == SqlValue::Kind::kInteger ? value.integer() : static_cast<std::int64_t>(value.bytes().size());
    sum = crc32c({reinterpret_cast<const char*>(&number), sizeof number}, sum);
    sum = crc32c(value.bytes(), sum);
  }
  return sum;
}

Rows::Rows(Result<sqlite3_stmt*> statement) {
  if (statement)
    statement_ = *statement;
  else
    status_ = statement.error();
}

Rows::~Rows() {
  if (statement_ != nullptr) sqlite3_reset(statement_);
}

bool Rows::next() {
  if (!status_) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) status_ = last_error(sqlite3_db_handle(statement_));
  return false;
}

bool Rows::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t Rows::integer(int column) const { return sqlite3_column_int64(statement_, column); }

BytesView Rows::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Result<sqlite3_stmt*> Connection::bind(std::string_view sql, std::initializer_list<SqlValue> values) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                           nullptr) != SQLITE_OK)
      return last_error(handle_);
    found = statements_.emplace(sqlite3_sql(statement), statement).first;
  }
  sqlite3_stmt* statement = found->second;
  if (sqlite3_bind_parameter_count(statement) != static_cast<int>(values.size()))
    return Error{Code::kInternal, "database: wrong number of values for " + std::string(sql), "database"};
  int index = 0;
  for (const SqlValue& value : values) {
    if (bind_value(statement, ++index, value) != SQLITE_OK) return last_error(handle_);
  }
  return statement;
}

Rows Connection::query(std::string_view sql, std::initializer_list<SqlValue> values) { return Rows(bind(sql, values)); }

Result<void> Connection::run(std::string_view sql, std::initializer_list<SqlValue> values) {
  Rows rows = query(sql, values);
  while (rows.next()) {
  }
  return rows.status();
}

std::int64_t Connection::changed_rows() const { return sqlite3_changes64(handle_); }

Result<void> Connection::run_script(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return last_error(handle_);
  return {};
}

namespace {

Result<std::unique_ptr<Connection>> connect(const std::filesystem::path& path, bool writer) {
  sqlite3* handle = nullptr;
  const int flags = (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE;
  // One process has the file (LockFile), so the log's index need not be shared: no lock calls for each transaction.
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, "unix-excl");
  auto connection = std::make_unique<Connection>(handle);
  if (code != SQLITE_OK)
    return Error{Code::kInternal, "cannot open " + path.string() + ": " + sqlite3_errstr(code), "database_io"};
  sqlite3_busy_timeout(handle, kBusyMs);
  return connection;
}

std::int64_t pragma(Connection& connection, std::string_view sql) {
  Rows rows = connection.query(sql);
  return rows.next() ? rows.integer(0) : -1;
}

// Page size and auto_vacuum take effect only in a file that holds nothing yet; the rest is per connection.
Result<void> prepare_writer(Connection& writer, const std::filesystem::path& path) {
  const bool fresh = pragma(writer, "PRAGMA page_count") == 0;
  if (fresh) {
    auto made = writer.run_script("PRAGMA page_size = " + std::to_string(kPageBytes) + "; PRAGMA auto_vacuum = 2;");
    if (!made) return made;
  }
  auto set = writer.run_script(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
      "PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;");
  if (!set) return set;
  if (fresh) {
    return writer.run_script("PRAGMA application_id = " + std::to_string(kApplicationId) +
                             "; PRAGMA user_version = " + std::to_string(kFormat) + ";");
  }
  if (pragma(writer, "PRAGMA application_id") != kApplicationId)
    return Error{Code::kInvalidInput, path.string() + " is no facefleet database; choose another data folder", ""};
  const std::int64_t format = pragma(writer, "PRAGMA user_version");
  if (format == 1) return writer.run_script("PRAGMA user_version = " + std::to_string(kFormat) + ";");
  if (format != kFormat)
    return Error{Code::kInvalidInput, path.string() + " has another version's format; use the facefleet that wrote it",
                 ""};
  return {};
}

// Where the result of a commit goes.
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void complete(Result<void> result) = 0;
};

template <class Handler>
class HandlerCompletion final : public Completion {
 public:
  explicit HandlerCompletion(Handler handler) : handler_(std::move(handler)) {}
  void complete(Result<void> result) override { std::move(handler_)(std::move(result)); }

 private:
  Handler handler_;
};

struct Posted {
  Database::Operation operation;
  std::unique_ptr<Completion> completion;   // resumed on the I/O thread
  std::promise<Result<void>>* waiter = {};  // or the thread that waits; neither: a ride-along
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(Executor executor, std::filesystem::path folder, std::unique_ptr<LockFile> lock,
                 std::unique_ptr<Connection> writer, std::unique_ptr<Connection> reader, Log log)
      : executor_(std::move(executor)),
        folder_(std::move(folder)),
        lock_(std::move(lock)),
        writer_(std::move(writer)),
        reader_(std::move(reader)),
        log_(std::move(log)),
        stage_(std::make_shared<Stage>(Stage{this, {}, false})) {
    sqlite3_wal_hook(writer_->handle(), &SqliteDatabase::note_log_pages, this);
    thread_ = std::thread([this] { write_until_stopped(); });
  }

  ~SqliteDatabase() override {
    flush();
    stage_->owner = nullptr;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  const std::filesystem::path& folder() const override { return folder_; }

  Task<Result<void>> commit(Operation operation) override {
    return asio::async_initiate<decltype(asio::use_awaitable), void(Result<void>)>(
        [this](auto handler, Operation posted) {
          using Handler = decltype(handler);
          stage({std::move(posted), std::make_unique<HandlerCompletion<Handler>>(std::move(handler)), nullptr});
        },
        asio::use_awaitable, std::move(operation));
  }

  Result<void> commit_and_wait(Operation operation) override {
    std::promise<Result<void>> promise;
    auto future = promise.get_future();
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back({std::move(operation), nullptr, &promise});
      ++awaited_;
    }
    wake_.notify_one();
    return future.get();
  }

  void ride_along(Operation operation) override { stage({std::move(operation), nullptr, nullptr}); }

  Result<void> read(const Operation& operation) override {
    if (failed_.load(std::memory_order_acquire)) return unavailable();
    return operation(*reader_);
  }

 private:
  // What this turn of the I/O thread has posted. It goes to the writer at the end of the turn, so that
  // callers who were resumed together commit together. Outlives the database: its flush may be queued.
  struct Stage {
    SqliteDatabase* owner;
    std::vector<Posted> posted;
    bool flush_queued;
  };

  struct Finished {
    std::unique_ptr<Completion> completion;
    Result<void> result;
  };

  void stage(Posted posted) {
    stage_->posted.push_back(std::move(posted));
    if (std::exchange(stage_->flush_queued, true)) return;
    asio::post(executor_, [stage = stage_] {
      if (stage->owner != nullptr) stage->owner->flush();
    });
  }

  void flush() {
    stage_->flush_queued = false;
    std::vector<Finished> refused;
    bool notify = false;
    {
      const std::lock_guard lock(mutex_);
      for (Posted& posted : stage_->posted) {
        if (waiting_.size() >= limits::kDatabaseWaiting) {
          refused.push_back({std::move(posted.completion), Error{Code::kBusy, "the disk is behind; try again", ""}});
          continue;
        }
        if (waiting_.empty()) first_posted_ = steady_clock::now();
        if (posted.completion) ++awaited_;
        notify = notify || waiting_.empty() || (posted.completion && (awaited_ == 1 || awaited_ == expected_));
        waiting_.push_back(std::move(posted));
      }
    }
    stage_->posted.clear();
    if (notify) wake_.notify_one();
    if (!refused.empty()) finish(std::move(refused));
  }

  void finish(std::vector<Finished> finished) {
    asio::post(executor_, [finished = std::move(finished)]() mutable {
      for (Finished& each : finished) {
        if (each.completion) each.completion->complete(std::move(each.result));
      }
    });
  }

  // ---- below: the writer thread ----

  void write_until_stopped() {
    std::vector<Posted> batch;
    bool stopping = false;
    sweep_at_ = steady_clock::now();  // a crash may have left deleted bytes behind
    while (!stopping) {
      {
        std::unique_lock lock(mutex_);
        await_work(lock);
        batch.swap(waiting_);
        awaited_ = 0;
        stopping = stopping_;
      }
      if (!batch.empty()) run_batch(batch);
      batch.clear();
      if (sweep_at_ && (stopping || steady_clock::now() >= *sweep_at_)) sweep(stopping);
      if (log_pages_ * kPageBytes > static_cast<std::int64_t>(limits::kDatabaseLogBytes)) checkpoint(false);
    }
  }

  void await_work(std::unique_lock<std::mutex>& lock) {
    expected_ = static_cast<std::size_t>(std::ceil(crowd_));
    for (;;) {
      if (stopping_) return;
      const auto gathered = committed_at_ + Millis(limits::kDatabaseGatherMs);
      const bool gathering = company_ >= kCompanyMin && awaited_ < expected_ && waiting_.size() < kBatchOperations;
      if (awaited_ > 0 && (!gathering || steady_clock::now() >= gathered)) return;
      std::optional<steady_clock::time_point> until = sweep_at_;
      if (awaited_ > 0) {
        until = gathered;
      } else if (!waiting_.empty()) {
        const auto due = first_posted_ + Millis(limits::kDatabaseRideAlongMs);
        until = until ? std::min(*until, due) : due;
      }
      if (until && steady_clock::now() >= *until) return;
      if (until)
        wake_.wait_until(lock, *until);
      else
        wake_.wait(lock);
    }
  }

  void run_batch(std::vector<Posted>& batch) {
    std::vector<Result<void>> results;
    results.reserve(batch.size());
    Result<void> committed = failed_ ? unavailable() : run_transaction(batch, results);
    if (committed && !sweep_at_) sweep_at_ = steady_clock::now() + Millis(limits::kDatabaseErasureMs);

    const auto waited_for = std::ranges::count_if(
        batch, [](const Posted& posted) { return posted.completion != nullptr || posted.waiter != nullptr; });
    company_ += kCompanyWeight * (static_cast<double>(waited_for) - company_);
    crowd_ = std::max(static_cast<double>(waited_for), crowd_ * kCrowdKept);
    committed_at_ = steady_clock::now();

    std::vector<Finished> finished;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Result<void> result = committed ? std::move(results[i]) : committed;
      if (batch[i].waiter != nullptr) {
        batch[i].waiter->set_value(std::move(result));
      } else if (batch[i].completion) {
        finished.push_back({std::move(batch[i].completion), std::move(result)});
      } else if (!result) {
        log_.warn("database.ride_along_failed", {{"reason", result.error().message}});
      }
    }
    if (!finished.empty()) finish(std::move(finished));
  }

  // One transaction for all of `batch`, each operation inside a savepoint of its own.
  Result<void> run_transaction(std::vector<Posted>& batch, std::vector<Result<void>>& results) {
    if (auto begun = writer_->run("BEGIN IMMEDIATE"); !begun) return fail("begin", begun.error());
    for (Posted& posted : batch) {
      if (auto saved = writer_->run("SAVEPOINT operation"); !saved) return fail("savepoint", saved.error());
      Result<void> result = posted.operation(*writer_);
      // A full or failing disk makes SQLite roll back the whole transaction, neighbours included.
      if (sqlite3_get_autocommit(writer_->handle()) != 0)
        return fail("operation", result ? Error{Code::kInternal, "rolled back", ""} : result.error());
      if (!result) {
        if (auto undone = writer_->run("ROLLBACK TO operation"); !undone) return fail("undo", undone.error());
      }
      if (auto released = writer_->run("RELEASE operation"); !released) return fail("release", released.error());
      results.push_back(std::move(result));
    }
    if (auto committed = writer_->run("COMMIT"); !committed) return fail("commit", committed.error());
    return {};
  }

  // Ends the transaction. A full disk is the one failure that we survive: nothing was acknowledged, and
  // what was acknowledged before is untouched. After any other, the disk's state is unknown.
  Error fail(std::string_view step, Error error) {
    if (sqlite3_get_autocommit(writer_->handle()) == 0) {
      if (auto rolled_back = writer_->run("ROLLBACK"); !rolled_back) error = rolled_back.error();
    }
    log_.error("database.write_failed", {{"step", step}, {"reason", error.message}});
    if (error.reason == "disk_full") return error;
    failed_.store(true, std::memory_order_release);
    return unavailable();
  }

  // Cuts what was deleted off the files: free pages off the database, old frames off the log. Yields
  // to waiting operations between slices, unless `to_the_end`.
  void sweep(bool to_the_end) {
    if (failed_) return sweep_at_.reset();
    const std::string slice = "PRAGMA incremental_vacuum(" + std::to_string(kVacuumPages) + ")";
    while (pragma(*writer_, "PRAGMA freelist_count") > 0) {
      if (auto cut = writer_->run_script(slice); !cut) return put_sweep_off("vacuum", cut.error());
      if (!to_the_end && has_work()) return;  // still due: the next turn goes on
    }
    checkpoint(true);
  }

  bool has_work() {
    const std::lock_guard lock(mutex_);
    return awaited_ > 0;
  }

  void checkpoint(bool truncate) {
    const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    const int code = sqlite3_wal_checkpoint_v2(writer_->handle(), nullptr, mode, nullptr, nullptr);
    log_pages_ = 0;
    if (truncate) sweep_at_.reset();
    if (code != SQLITE_OK) put_sweep_off("checkpoint", last_error(writer_->handle()));
  }

  // A checkpoint only copies what the log holds safely, so one that a full disk or a reader stopped is
  // tried again; a failed fsync ends our trust as anywhere else.
  void put_sweep_off(std::string_view step, const Error& error) {
    if (error.reason != "disk_full" && (sqlite3_extended_errcode(writer_->handle()) & 0xff) != SQLITE_BUSY) {
      fail(step, error);
      sweep_at_.reset();
      return;
    }
    sweep_at_ = steady_clock::now() + Millis(limits::kDatabaseErasureMs);
  }

  static int note_log_pages(void* self, sqlite3*, const char*, int pages) {
    static_cast<SqliteDatabase*>(self)->log_pages_ = pages;
    return SQLITE_OK;
  }

  // Constant after construction.
  const Executor executor_;
  const std::filesystem::path folder_;
  const std::unique_ptr<LockFile> lock_;
  const std::unique_ptr<Connection> writer_;  // the writer thread's
  const std::unique_ptr<Connection> reader_;  // the I/O thread's
  const Log log_;
  const std::shared_ptr<Stage> stage_;  // the I/O thread's
  std::thread thread_;

  std::atomic<bool> failed_ = false;  // set by the writer thread, for good

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Posted> waiting_;
  std::size_t awaited_ = 0;   // of waiting_, those that somebody waits for
  std::size_t expected_ = 0;  // so many of them are worth a transaction at once
  bool stopping_ = false;
  steady_clock::time_point first_posted_;  // when the first of waiting_ was

  // The writer thread's.
  double company_ = 1;  // operations of one transaction that somebody waits for, smoothed
  double crowd_ = 1;    // the most of them in a transaction of late
  steady_clock::time_point committed_at_;
  std::optional<steady_clock::time_point> sweep_at_;
  std::int64_t log_pages_ = 0;
};

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const Executor& executor, const std::filesystem::path& folder,
                                                 Log log) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error))
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) return Error{Code::kInvalidInput, "cannot make " + folder.string() + ": " + error.message(), ""};
  const std::filesystem::path path = folder / "facefleet.db";
  auto lock = LockFile::acquire(path.string() + ".lock");
  if (!lock) return lock.error();
  auto writer = connect(path, true);
  if (!writer) return writer.error();
  if (auto prepared = prepare_writer(**writer, path); !prepared) return prepared.error();
  auto reader = connect(path, false);
  if (!reader) return reader.error();
  return std::unique_ptr<Database>(std::make_unique<SqliteDatabase>(
      executor, folder, std::move(*lock), std::move(*writer), std::move(*reader), std::move(log)));
}

}  // namespace facefleet
