// The one SQLite database of a process: DIR/facefleet.db, and the only place that knows SQLite.
//
// Group commit: one writer thread runs every operation that waits in ONE transaction, commits it with
// one fsync (WAL, synchronous=FULL), and then resumes the callers on the I/O thread. So an
// acknowledgement never runs ahead of the fsync, and a hundred callers share its cost.
//
// Fail-stop: after a failed fsync or commit nobody knows what the disk holds, so the database answers
// kUnavailable to everything until it is opened anew.
//
// Erasure: what a committed operation deleted is overwritten or cut off the files kDatabaseErasureMs
// later at the latest, whether or not anything else is written.
//
// Thread rule: base/task.h (the I/O thread), except where a function says otherwise.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"

struct sqlite3;
struct sqlite3_stmt;

namespace facefleet {

// What is bound to ?1, ?2, … of a statement. Strings are bound as blobs, so that they compare bytewise
// and may hold any byte; they are borrowed until the statement has run (Rows: until it is destroyed).
class SqlValue {
 public:
  enum class Kind { kNull, kInteger, kBytes };

  SqlValue() = default;
  SqlValue(std::int64_t integer) : kind_(Kind::kInteger), integer_(integer) {}
  SqlValue(BytesView bytes) : kind_(Kind::kBytes), bytes_(bytes) {}
  SqlValue(const Bytes& bytes) : kind_(Kind::kBytes), bytes_(bytes) {}
  SqlValue(const char*) = delete;  // a literal would be a surprise here: say BytesView

  Kind kind() const { return kind_; }
  std::int64_t integer() const { return integer_; }
  BytesView bytes() const { return bytes_; }

 private:
  Kind kind_ = Kind::kNull;
  std::int64_t integer_ = 0;
  BytesView bytes_;
};

// CRC-32C over the values of a row, for rows that must be told apart from damaged ones: SQLite itself
// does not notice a flipped bit in a value.
std::int64_t row_checksum(std::initializer_list<SqlValue> values);

// The rows that a query gives, one at a time:
//
//     Rows rows = connection.query("SELECT id FROM queues WHERE id > ?1", {id});
//     while (rows.next()) use(rows.integer(0));
//     if (!rows.status()) return rows.status();
//
// At most one Rows of one SQL text at a time on one connection.
class Rows {
 public:
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  bool next();  // false at the end and on a failure
  const Result<void>& status() const { return status_; }

  // Columns of the current row, counted from 0. Bytes stay valid until next() or the destructor.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  BytesView bytes(int column) const;

 private:
  friend class Connection;
  explicit Rows(Result<sqlite3_stmt*> statement);

  sqlite3_stmt* statement_ = nullptr;  // owned by the connection's cache; null if it could not be prepared
  Result<void> status_;
};

// A connection, as an operation sees it. Statements are prepared once per SQL text.
// Failures: kConflict (a constraint), kCorrupt (SQLite found the file damaged), kBusy (the disk is
// full), kUnavailable (the disk fails), kInternal (a bug in the SQL).
class Connection {
 public:
  explicit Connection(sqlite3* handle) : handle_(handle) {}  // takes ownership
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Rows query(std::string_view sql, std::initializer_list<SqlValue> values = {});
  // Runs a statement that gives no rows.
  Result<void> run(std::string_view sql, std::initializer_list<SqlValue> values = {});
  std::int64_t changed_rows() const;  // by the last run()
  // Runs any number of statements that take no values, e.g. a schema; drops the rows that they give.
  Result<void> run_script(const std::string& sql);

  sqlite3* handle() { return handle_; }  // for base/database.cc

 private:
  Result<sqlite3_stmt*> bind(std::string_view sql, std::initializer_list<SqlValue> values);

  sqlite3* handle_;
  std::unordered_map<std::string_view, sqlite3_stmt*> statements_;  // keyed by SQLite's own copy of the text
};

class Database {
 public:
  // Runs on the writer thread (in read(): on the caller's). Returns a failure to have its own changes,
  // and nobody else's, undone. Must not throw.
  using Operation = std::function<Result<void>(Connection&)>;

  // Opens or makes FOLDER/facefleet.db (and the folder), and locks it for this process: kConflict with
  // reason `locked`, naming the holder, if another process has it. Completions run on `executor`, which
  // must outlive the database's last use; the database must be destroyed before its io_context.
  static Result<std::unique_ptr<Database>> open(const Executor& executor, const std::filesystem::path& folder, Log log);

  // Waits for what commit() and ride_along() have posted, then closes.
  virtual ~Database() = default;

  virtual const std::filesystem::path& folder() const = 0;

  // Runs `operation` in the next transaction and returns once it is on disk, or with its failure; kBusy
  // when kDatabaseWaiting operations wait already. Operations run in the order in which they were
  // awaited. Cannot be cancelled: it completes first.
  virtual Task<Result<void>> commit(Operation operation) = 0;

  // As commit, but blocks the calling thread: for start-up and commands. Not ordered with commit().
  virtual Result<void> commit_and_wait(Operation operation) = 0;

  // Runs `operation` in the next transaction, in order with the others, without anyone waiting: within
  // kDatabaseRideAlongMs. For records whose loss in a crash is harmless. A failure is logged.
  virtual void ride_along(Operation operation) = 0;

  // Runs `operation`, which only reads, at once on the calling thread: it sees all that commit() has
  // acknowledged. The I/O thread, or before that runs the thread that opened the database.
  virtual Result<void> read(const Operation& operation) = 0;
};

}  // namespace facefleet
