// What a disk does to queues: torn writes at every byte, flipped bits, a full, a broken and a lying disk. Nothing that
// was acknowledged is lost to a torn write or a failing disk; nothing damaged is ever handed out as good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <random>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/test_disk.h"
#include "base/testing.h"
#include "queue/backends/durable_queue.h"

namespace facefleet::queue {
namespace {

namespace fs = std::filesystem;
using testing::IsSubsetOf;

// One life of a process on a folder. `trouble`: why it could not begin, if it could not.
class Life {
 public:
  explicit Life(const fs::path& folder) {
    auto database = Database::open(context_.get_executor(), folder, Log::silent());
    if (!database) {
      trouble = database.error();
      return;
    }
    database_ = std::move(*database);
    auto queues = open_durable_queues(context_.get_executor(), *database_, clock_, random_, Log::silent());
    if (!queues) {
      trouble = queues.error();
      return;
    }
    queues_ = std::move(*queues);
    auto queue = run_task(context_, queues_->create("q", {}));
    if (queue)
      queue_ = std::move(*queue);
    else
      trouble = queue.error();
  }

  Result<std::string> send(const std::string& body) {
    Outgoing message{body, Millis{0}};
    return run_task(context_, queue_->send(std::move(message)));
  }

  bool remove(const Message& message) { return run_task(context_, queue_->remove(message.receipt)).has_value(); }

  std::vector<Message> receive() {
    Receive request{.max = 10, .wait = {}, .lease = {}, .consumer = {}};
    return run_task(context_, queue_->receive(std::move(request))).value();
  }

  std::set<std::string> drain() {
    std::set<std::string> bodies;
    for (auto messages = receive(); !messages.empty(); messages = receive()) {
      for (Message& message : messages) bodies.insert(std::move(message.body));
    }
    return bodies;
  }

  std::optional<Error> trouble;

 private:
  asio::io_context context_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Queues> queues_;
  std::shared_ptr<Queue> queue_;
};

std::uint64_t seed() {
  if (const char* given = std::getenv("FACEFLEET_SEED")) return std::strtoull(given, nullptr, 10);
  const std::uint64_t with = std::random_device()();
  std::printf("FACEFLEET_SEED=%llu\n", static_cast<unsigned long long>(with));
  return with;
}

// ---- torn writes ----

// A database and its log as a power cut leaves them after the last send.
struct Torn {
  Bytes database;
  Bytes log;
};

constexpr const char* kLast = "the last message";

Torn tear_once() {
  Torn torn;
  const TemporaryFolder folder;
  const fs::path log = folder.path() / "facefleet.db-wal";
  run_and_kill(std::chrono::milliseconds(0), [&](int fd) {
    Life life(folder.path());
    for (const char* body : {"first", "second", "third"}) (void)life.send(body);
    (void)life.send(kLast);
    if (write(fd, "x", 1) == 1) pause();  // killed here, with everything still in the log
  });
  torn.database = read_file(folder.path() / "facefleet.db").value();
  torn.log = read_file(log).value();
  return torn;
}

// On a slow machine the log may have been folded in before the kill: then again.
Torn tear() {
  constexpr int kTries = 50;
  Torn torn;
  for (int i = 0; i < kTries && torn.log.find(kLast) == Bytes::npos; ++i) torn = tear_once();
  return torn;
}

// The length of a log up to the first frame that holds `without`: SQLite's frames of 24 + 8,192 bytes, after a header
// of 32.
std::size_t first_frames(const Bytes& log, const std::string& without) {
  constexpr std::size_t kHeader = 32;
  constexpr std::size_t kFrame = 24 + 8'192;
  std::size_t length = kHeader;
  while (length + kFrame <= log.size() && BytesView(log).substr(length, kFrame).find(without) == BytesView::npos)
    length += kFrame;
  return length;
}

// How many messages SQLite finds, without changing anything: -1 if it finds the file damaged.
int count_messages(const fs::path& database) {
  sqlite3* handle = nullptr;
  int count = -1;
  if (sqlite3_open_v2(database.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle, "SELECT count(*) FROM messages", -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
      count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
  }
  sqlite3_close(handle);
  return count;
}

TEST(DurableFaults, ALogTornAtAnyByteOfTheLastWriteLosesThatWriteAtMost) {
  const Torn torn = tear();
  const std::size_t begins = first_frames(torn.log, kLast);
  ASSERT_LT(begins, torn.log.size());
  const TemporaryFolder folder;
  const fs::path database = folder.path() / "facefleet.db";
  const fs::path log = folder.path() / "facefleet.db-wal";
  ASSERT_TRUE(write_file_atomic(database, torn.database));
  ASSERT_TRUE(write_file_atomic(log, torn.log));
  int most = 4;
  for (std::size_t length = torn.log.size(); length >= begins; --length) {
    fs::resize_file(log, length);
    fs::remove(folder.path() / "facefleet.db-shm");
    const int count = count_messages(database);
    ASSERT_GE(count, 3) << length;
    ASSERT_LE(count, most) << length;  // the shorter, the fewer
    most = count;
  }
  EXPECT_EQ(most, 3);
}

TEST(DurableFaults, ATornLogOpensWithAllThatWasAcknowledgedAndTakesMore) {
  const Torn torn = tear();
  const std::size_t begins = first_frames(torn.log, kLast);
  std::mt19937_64 chance(seed());
  for (int round = 0; round < 40; ++round) {
    const std::size_t length = begins + chance() % (torn.log.size() - begins);
    Bytes log = torn.log.substr(0, length);
    if (round % 2 == 1) {  // what the disk had there before
      for (std::size_t i = 0; i < 9'000; ++i) log += static_cast<char>(chance());
    }
    const TemporaryFolder folder;
    ASSERT_TRUE(write_file_atomic(folder.path() / "facefleet.db", torn.database));
    ASSERT_TRUE(write_file_atomic(folder.path() / "facefleet.db-wal", log));
    Life life(folder.path());
    ASSERT_FALSE(life.trouble) << *life.trouble;
    ASSERT_TRUE(life.send("after"));
    const auto bodies = life.drain();
    EXPECT_THAT((std::set<std::string>{"first", "second", "third", "after"}), IsSubsetOf(bodies)) << length;
    EXPECT_LE(bodies.size(), 5U);
  }
}

// ---- flipped bits ----

TEST(DurableFaults, AFlippedBitIsNeverHandedOutAndCostsAtMostItsPage) {
  constexpr std::size_t kMessages = 400;
  constexpr int kFlips = 150;
  std::set<std::string> sent;
  const TemporaryFolder whole;
  {
    Life life(whole.path());
    for (std::size_t i = 0; i < kMessages; ++i) {
      sent.insert(std::to_string(i) + Bytes(200, 'b'));
      ASSERT_TRUE(life.send(std::to_string(i) + Bytes(200, 'b')));
    }
  }
  const Bytes database = read_file(whole.path() / "facefleet.db").value();
  std::mt19937_64 chance(seed());
  int refused = 0;
  int damaged = 0;
  for (int flip = 0; flip < kFlips; ++flip) {
    const std::size_t at = chance() % database.size();
    Bytes bytes = database;
    bytes[at] = static_cast<char>(bytes[at] ^ 1 << chance() % 8);
    const TemporaryFolder folder;
    ASSERT_TRUE(write_file_atomic(folder.path() / "facefleet.db", bytes));
    Life life(folder.path());
    if (life.trouble) {  // the schema, or the root of a tree: found and reported, not guessed at
      ++refused;
      continue;
    }
    const auto bodies = life.drain();
    ASSERT_THAT(bodies, IsSubsetOf(sent)) << "at byte " << at;
    if (bodies.size() < sent.size()) ++damaged;
    EXPECT_GE(bodies.size() + 40, sent.size()) << "at byte " << at;  // a page holds some 30 of them
  }
  std::printf("%d flipped bits: %d files refused, %d with messages left out\n", kFlips, refused, damaged);
  EXPECT_LT(refused, kFlips / 4);
  EXPECT_GT(damaged, 0);
}

// ---- disks that fail ----

struct Failing {
  const char* name;
  FaultyDisk::Fault fault;
};
void PrintTo(const Failing& failing, std::ostream* out) { *out << failing.name; }

class FailingDisk : public testing::TestWithParam<Failing> {};

// Wherever in the work the fault strikes.
TEST_P(FailingDisk, LosesNothingAcknowledgedAndBringsNothingBack) {
  for (int after = 0; after < 40; after += after < 10 ? 1 : 4) {
    SCOPED_TRACE(after);
    FaultyDisk disk;
    const TemporaryFolder folder;
    std::set<std::string> attempted;
    std::set<std::string> sent;
    std::set<std::string> removing;
    std::set<std::string> removed;
    {
      Life life(folder.path());
      ASSERT_FALSE(life.trouble);
      disk.fail(GetParam().fault, after);
      for (int i = 0; i < 20; ++i) {
        const std::string body = std::to_string(i) + Bytes(3'000, 'x');
        attempted.insert(body);
        if (const auto id = life.send(body)) {
          sent.insert(body);
        } else {
          EXPECT_THAT(id.error().code, testing::AnyOf(Code::kBusy, Code::kUnavailable));
        }
        if (i % 4 != 3) continue;
        const auto messages = life.receive();
        for (const Message& message : messages) {
          removing.insert(message.body);
          if (life.remove(message)) removed.insert(message.body);
        }
      }
      disk.fail(FaultyDisk::Fault::kNone, 0);
    }
    Life life(folder.path());
    ASSERT_FALSE(life.trouble) << *life.trouble;
    const auto there = life.drain();
    EXPECT_THAT(there, IsSubsetOf(attempted));
    for (const std::string& body : sent) {
      if (!removing.contains(body)) {
        EXPECT_TRUE(there.contains(body)) << "lost: " << body.substr(0, 4);
      }
    }
    for (const std::string& body : removed) EXPECT_FALSE(there.contains(body)) << "back: " << body.substr(0, 4);
    EXPECT_TRUE(life.send("once the disk is well again"));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, FailingDisk,
                         testing::Values(Failing{"full", FaultyDisk::Fault::kFull},
                                         Failing{"broken", FaultyDisk::Fault::kBroken},
                                         Failing{"short_write", FaultyDisk::Fault::kShortWrite},
                                         Failing{"fsync", FaultyDisk::Fault::kFsync}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(DurableFaults, AFullDiskTakesMessagesAgainOnceThereIsRoom) {
  FaultyDisk disk;
  const TemporaryFolder folder;
  Life life(folder.path());
  ASSERT_TRUE(life.send("before"));
  disk.fail(FaultyDisk::Fault::kFull, 0);
  const auto refused = life.send("refused");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_EQ(refused.error().reason, "disk_full");
  disk.fail(FaultyDisk::Fault::kNone, 0);
  ASSERT_TRUE(life.send("after"));
  EXPECT_THAT(life.drain(), testing::ElementsAre("after", "before"));
}

// ---- room on the disk ----

TEST(DurableFaults, TheFilesHoldAtMostTwiceWhatLives) {
  constexpr std::size_t kBody = 10'000;
  constexpr std::size_t kMessages = 600;
  constexpr std::size_t kLeft = 100;
  const TemporaryFolder folder;
  Life life(folder.path());
  for (std::size_t i = 0; i < kMessages; ++i) ASSERT_TRUE(life.send(std::to_string(i) + Bytes(kBody, 'x')));
  for (std::size_t removed = 0; removed < kMessages - kLeft;) {
    for (const Message& message : life.receive()) {
      ASSERT_TRUE(life.remove(message));
      ++removed;
    }
  }
  const auto on_disk = [&] {
    std::uintmax_t bytes = 0;
    for (const char* name : {"facefleet.db", "facefleet.db-wal"}) {
      std::error_code absent;
      const auto size = fs::file_size(folder.path() / name, absent);
      if (!absent) bytes += size;
    }
    return bytes;
  };
  constexpr int kTries = 200;  // of 100 ms: far beyond kDatabaseErasureMs, for slow machines
  for (int i = 0; i < kTries && on_disk() > 2 * kLeft * kBody; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LE(on_disk(), 2 * kLeft * kBody);
}

}  // namespace
}  // namespace facefleet::queue
