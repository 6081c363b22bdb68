#include "base/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "base/limits.h"
#include "base/test_disk.h"
#include "base/testing.h"

namespace facefleet {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override {
    reopen();
    ASSERT_TRUE(database_->commit_and_wait([](Connection& connection) {
      return connection.run_script("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)");
    }));
  }

  void reopen() {
    database_.reset();
    database_ = Database::open(context_.get_executor(), folder_.path(), Log::silent()).value();
  }

  static Database::Operation insert(std::int64_t id) {
    return [id](Connection& connection) { return connection.run("INSERT INTO t VALUES (?1, NULL)", {id}); };
  }

  Result<void> commit(Database::Operation operation) {
    return run_task(context_, database_->commit(std::move(operation)));
  }

  // Starts a commit and leaves it; its result goes to results_.
  void start(Database::Operation operation) {
    asio::co_spawn(context_, database_->commit(std::move(operation)),
                   [this](std::exception_ptr, Result<void> result) { results_.push_back(std::move(result)); });
  }

  void run_ready() {
    context_.restart();
    context_.poll();
  }

  void run_until_results(std::size_t count) {
    context_.restart();
    while (results_.size() < count && context_.run_one() > 0) {
    }
  }

  std::vector<std::int64_t> ids() {
    std::vector<std::int64_t> found;
    EXPECT_TRUE(database_->read([&](Connection& connection) {
      Rows rows = connection.query("SELECT id FROM t ORDER BY id");
      while (rows.next()) found.push_back(rows.integer(0));
      return rows.status();
    }));
    return found;
  }

  // Whether `needle` stands anywhere in the database's files.
  bool on_disk(const std::string& needle) {
    for (const char* name : {"facefleet.db", "facefleet.db-wal"}) {
      const auto bytes = read_file(folder_.path() / name);
      if (bytes && bytes->find(needle) != std::string::npos) return true;
    }
    return false;
  }

  FaultyDisk disk_;
  TemporaryFolder folder_;
  asio::io_context context_;
  std::unique_ptr<Database> database_;
  std::vector<Result<void>> results_;
};

TEST_F(DatabaseTest, WhatWasCommittedIsReadAtOnceAndAfterReopening) {
  ASSERT_TRUE(commit(insert(1)));
  EXPECT_THAT(ids(), ElementsAre(1));
  reopen();
  EXPECT_THAT(ids(), ElementsAre(1));
}

TEST_F(DatabaseTest, AValueComesBackAsItWasBound) {
  const std::string bytes("\0\xff'\"", 4);
  ASSERT_TRUE(commit([&](Connection& connection) -> Result<void> {
    for (const SqlValue& value : {SqlValue(bytes), SqlValue(BytesView()), SqlValue()}) {
      if (auto done = connection.run("INSERT INTO t VALUES (NULL, ?1)", {value}); !done) return done;
    }
    return {};
  }));
  ASSERT_TRUE(database_->read([&](Connection& connection) {
    Rows rows = connection.query("SELECT v FROM t ORDER BY id");
    EXPECT_TRUE(rows.next());
    EXPECT_EQ(rows.bytes(0), bytes);
    EXPECT_TRUE(rows.next());
    EXPECT_FALSE(rows.is_null(0));
    EXPECT_EQ(rows.bytes(0), "");
    EXPECT_TRUE(rows.next());
    EXPECT_TRUE(rows.is_null(0));
    EXPECT_FALSE(rows.next());
    return rows.status();
  }));
}

TEST_F(DatabaseTest, AFailingOperationSpoilsNoNeighbour) {
  ASSERT_TRUE(commit(insert(1)));
  disk_.hold();  // the first commit occupies the writer, so that the next three share a transaction
  start(insert(2));
  run_ready();
  disk_.await_fsync();
  start(insert(3));
  start([](Connection& connection) -> Result<void> {
    auto done = connection.run("INSERT INTO t VALUES (40, NULL)");
    if (!done) return done;
    return connection.run("INSERT INTO t VALUES (1, NULL)");  // there already
  });
  start(insert(5));
  run_ready();
  disk_.let_go();
  run_until_results(4);
  ASSERT_EQ(results_.size(), 4U);
  EXPECT_TRUE(results_[0]);
  EXPECT_TRUE(results_[1]);
  EXPECT_EQ(results_[2].error().code, Code::kConflict);
  EXPECT_TRUE(results_[3]);
  EXPECT_THAT(ids(), ElementsAre(1, 2, 3, 5));
}

TEST_F(DatabaseTest, WhatWaitsSharesOneFsync) {
  disk_.hold();
  start(insert(1));
  run_ready();
  disk_.await_fsync();
  const int before = disk_.fsyncs();
  for (std::int64_t id = 2; id <= 101; ++id) start(insert(id));
  run_ready();
  disk_.let_go();
  run_until_results(101);
  EXPECT_LE(disk_.fsyncs(), before + 3);  // the log's new header, the first commit, and the other hundred's
  EXPECT_EQ(ids().size(), 101U);
}

TEST_F(DatabaseTest, NothingIsAcknowledgedBeforeItsFsync) {
  disk_.hold();
  start(insert(1));
  run_ready();
  disk_.await_fsync();
  run_ready();
  EXPECT_THAT(results_, IsEmpty());
  disk_.let_go();
  run_until_results(1);
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_TRUE(results_[0]);
}

TEST_F(DatabaseTest, AFailedFsyncStopsEverythingUntilItIsReopened) {
  ASSERT_TRUE(commit(insert(1)));
  disk_.break_fsync();
  EXPECT_EQ(commit(insert(2)).error().code, Code::kUnavailable);
  EXPECT_EQ(commit(insert(3)).error().code, Code::kUnavailable);
  EXPECT_EQ(database_->read([](Connection&) { return Result<void>(); }).error().code, Code::kUnavailable);
}

TEST_F(DatabaseTest, AFullDiskRefusesWithoutLosingWhatWasThere) {
  ASSERT_TRUE(commit(insert(1)));
  ASSERT_TRUE(commit([](Connection& connection) { return connection.run_script("PRAGMA max_page_count = 1"); }));
  const Bytes large(1'000'000, 'x');
  const auto refused =
      commit([&](Connection& connection) { return connection.run("INSERT INTO t VALUES (2, ?1)", {large}); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_EQ(refused.error().reason, "disk_full");
  EXPECT_THAT(ids(), ElementsAre(1));
  ASSERT_TRUE(commit([](Connection& connection) { return connection.run_script("PRAGMA max_page_count = 100000"); }));
  EXPECT_TRUE(commit(insert(3)));
  EXPECT_THAT(ids(), ElementsAre(1, 3));
}

TEST_F(DatabaseTest, TooManyWaitingOperationsAreRefused) {
  disk_.hold();
  start(insert(0));
  run_ready();
  disk_.await_fsync();
  for (std::size_t i = 0; i < limits::kDatabaseWaiting + 1; ++i) start(insert(static_cast<std::int64_t>(i) + 1));
  run_ready();
  // One too many, or two: the writer may or may not have taken the first out of the waiting ones by now.
  const std::size_t refused = results_.size();
  EXPECT_THAT(refused, AnyOf(1U, 2U));
  for (const auto& result : results_) EXPECT_EQ(result.error().code, Code::kBusy);
  disk_.let_go();
  run_until_results(limits::kDatabaseWaiting + 2);
  EXPECT_EQ(ids().size(), limits::kDatabaseWaiting + 2 - refused);
}

TEST_F(DatabaseTest, ARideAlongIsWrittenInOrderWithTheOthers) {
  start(insert(1));
  run_ready();
  database_->ride_along([](Connection& connection) { return connection.run("UPDATE t SET id = 2 WHERE id = 1"); });
  ASSERT_TRUE(commit([](Connection& connection) { return connection.run("UPDATE t SET id = 3 WHERE id = 2"); }));
  EXPECT_THAT(ids(), ElementsAre(3));
}

TEST_F(DatabaseTest, ARideAlongNeedsNoOtherWrite) {
  std::mutex mutex;
  std::condition_variable written;
  bool done = false;
  database_->ride_along([&](Connection&) -> Result<void> {
    const std::lock_guard lock(mutex);
    done = true;
    written.notify_one();
    return {};
  });
  run_ready();
  std::unique_lock lock(mutex);
  written.wait(lock, [&] { return done; });  // a hang here is the failure
}

TEST_F(DatabaseTest, ClosingWritesWhatWasPosted) {
  database_->ride_along(insert(1));
  reopen();
  EXPECT_THAT(ids(), ElementsAre(1));
}

TEST_F(DatabaseTest, ASecondProcessIsRefused) {
  const auto second = Database::open(context_.get_executor(), folder_.path(), Log::silent());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_EQ(second.error().reason, "locked");
}

TEST_F(DatabaseTest, AnotherProgramsOrVersionsFileIsRefused) {
  ASSERT_TRUE(commit([](Connection& connection) { return connection.run_script("PRAGMA user_version = 999"); }));
  database_.reset();
  const auto newer = Database::open(context_.get_executor(), folder_.path(), Log::silent());
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Code::kInvalidInput);

  const TemporaryFolder other;
  ASSERT_TRUE(write_file_atomic(other.path() / "facefleet.db", std::string(10'000, 'x')));
  const auto foreign = Database::open(context_.get_executor(), other.path(), Log::silent());
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Code::kCorrupt);
}

class ErasureTest : public DatabaseTest, public testing::WithParamInterface<std::size_t> {
 protected:
  const std::string secret_ = "a secret that must not stay on the disk";

  void write_and_delete() {
    Bytes body;
    while (body.size() < GetParam()) body += secret_;
    ASSERT_TRUE(commit([&](Connection& connection) { return connection.run("INSERT INTO t VALUES (1, ?1)", {body}); }));
    EXPECT_TRUE(on_disk(secret_));
    ASSERT_TRUE(commit(insert(2)));
    ASSERT_TRUE(commit([](Connection& connection) { return connection.run("DELETE FROM t WHERE id = 1"); }));
  }
};

TEST_P(ErasureTest, DeletedBytesAreGoneSoonAfter) {
  write_and_delete();
  constexpr int kTries = 200;  // of 100 ms: far beyond kDatabaseErasureMs, for slow machines
  for (int i = 0; i < kTries && on_disk(secret_); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(on_disk(secret_));
  EXPECT_THAT(ids(), ElementsAre(2));
}

TEST_P(ErasureTest, DeletedBytesAreGoneOnceClosed) {
  write_and_delete();
  database_.reset();
  EXPECT_FALSE(on_disk(secret_));
}

INSTANTIATE_TEST_SUITE_P(InARowAndOnPagesOfTheirOwn, ErasureTest, testing::Values(100, 500'000));

}  // namespace
}  // namespace facefleet
