// What only the durable backend promises: that acknowledged means on disk, whatever happens next.
#include "queue/backends/durable_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/testing.h"

namespace facefleet::queue {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

// One life of a process on a folder.
class Life {
 public:
  explicit Life(const fs::path& folder) {
    database_ = Database::open(context_.get_executor(), folder, Log::silent()).value();
    queues_ = open_durable_queues(context_.get_executor(), *database_, clock_, random_, Log::silent()).value();
  }

  template <class T>
  T run(Task<T> task) {
    return run_task(context_, std::move(task));
  }

  std::shared_ptr<Queue> create(const std::string& name, Attributes attributes = {}) {
    return run(queues_->create(name, std::move(attributes))).value();
  }

  void send(Queue& queue, const std::string& body, Millis delay = Millis{0}) {
    ASSERT_TRUE(run(queue.send({body, delay})));
  }

  std::vector<Message> receive(Queue& queue, Receive request = {.max = 10}) {
    return run(queue.receive(std::move(request))).value();
  }

  // All bodies, by leasing them.
  std::vector<std::string> drain(Queue& queue) {
    std::vector<std::string> bodies;
    for (auto messages = receive(queue); !messages.empty(); messages = receive(queue)) {
      for (Message& message : messages) bodies.push_back(std::move(message.body));
    }
    return bodies;
  }

  asio::io_context& context() { return context_; }
  Queues& queues() { return *queues_; }
  ManualClock& clock() { return clock_; }

 private:
  asio::io_context context_;
  ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Queues> queues_;
};

TEST(DurableQueue, ReopeningKeepsMessagesAttributesAndReceiveCounts) {
  const TemporaryFolder folder;
  Attributes attributes;
  attributes.lease = Millis{7'000};
  attributes.dead_letter_queue = "dead";
  attributes.receives_max = 5;
  std::string id;
  std::int64_t first_received_ms = 0;
  {
    Life life(folder.path());
    auto queue = life.create("q", attributes);
    life.create("gone");
    ASSERT_TRUE(life.run(life.queues().remove("gone")));
    for (const char* body : {"received", "removed", "waiting"}) life.send(*queue, body);
    life.send(*queue, "delayed", Millis{60'000});
    const auto received = life.receive(*queue, {.max = 2});
    id = received.at(0).id;
    first_received_ms = received.at(0).first_received_ms;
    ASSERT_TRUE(life.run(queue->remove(received.at(1).receipt)));
  }
  Life life(folder.path());
  EXPECT_THAT(life.run(life.queues().list("")).value(), ElementsAre("q"));
  auto queue = life.create("q", attributes);
  EXPECT_EQ(life.run(queue->attributes()).value().receives_max, 5U);
  const Counts counts = life.run(queue->counts()).value();
  EXPECT_EQ(counts.visible, 2U);
  EXPECT_EQ(counts.in_flight, 0U);
  EXPECT_EQ(counts.delayed, 1U);
  const auto messages = life.receive(*queue);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].body, "received");
  EXPECT_EQ(messages[0].id, id);
  EXPECT_EQ(messages[0].receive_count, 2U);
  EXPECT_EQ(messages[0].first_received_ms, first_received_ms);
  EXPECT_EQ(messages[1].body, "waiting");
  life.clock().advance(Millis{60'000});
  EXPECT_THAT(life.drain(*queue), testing::Contains("delayed"));
}

TEST(DurableQueue, AWorkerThatOutlivesTheQueueRemovesWithItsOldReceipt) {
  const TemporaryFolder folder;
  std::string receipt;
  {
    Life life(folder.path());
    auto queue = life.create("q");
    life.send(*queue, "a");
    receipt = life.receive(*queue).at(0).receipt;
  }
  {
    Life life(folder.path());
    auto queue = life.create("q");
    EXPECT_TRUE(life.run(queue->remove(receipt)));
    EXPECT_THAT(life.drain(*queue), IsEmpty());
    life.send(*queue, "b");
  }
  Life life(folder.path());
  auto queue = life.create("q");
  EXPECT_TRUE(life.run(queue->remove(receipt)));  // names nothing of today's
  EXPECT_THAT(life.drain(*queue), ElementsAre("b"));
}

TEST(DurableQueue, DeadLettersPurgesAndExpiryLast) {
  const TemporaryFolder folder;
  Attributes attributes;
  attributes.dead_letter_queue = "dead";
  attributes.receives_max = 1;
  Attributes brief;
  brief.retention = Millis{1'000};
  {
    Life life(folder.path());
    auto dead = life.create("dead");
    auto queue = life.create("q", attributes);
    auto purged = life.create("purged");
    auto expiring = life.create("expiring", brief);
    life.send(*queue, "poison");
    life.send(*purged, "a");
    life.send(*expiring, "b");
    life.receive(*queue, {.lease = Millis{0}});
    EXPECT_THAT(life.receive(*queue), IsEmpty());
    EXPECT_EQ(life.receive(*dead, {.wait = Millis{20'000}, .lease = Millis{0}}).size(), 1U);
    ASSERT_TRUE(life.run(purged->purge()));
    life.clock().advance(Millis{1'000});
    EXPECT_EQ(life.run(expiring->counts()).value().visible, 0U);
  }
  Life life(folder.path());  // its clock begins anew: what had not been written would be back
  EXPECT_THAT(life.drain(*life.create("dead")), ElementsAre("poison"));
  EXPECT_THAT(life.drain(*life.create("q", attributes)), IsEmpty());
  EXPECT_THAT(life.drain(*life.create("purged")), IsEmpty());
  EXPECT_THAT(life.drain(*life.create("expiring", brief)), IsEmpty());
}

TEST(DurableQueue, AFlippedBitCostsOneMessage) {
  const TemporaryFolder folder;
  {
    Life life(folder.path());
    auto queue = life.create("q");
    for (const char* body : {"first body", "second body", "third body"}) life.send(*queue, body);
  }
  const fs::path path = folder.path() / "facefleet.db";
  Bytes bytes = read_file(path).value();
  const std::size_t at = bytes.find("second body");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  ASSERT_TRUE(write_file_atomic(path, bytes));
  Life life(folder.path());
  EXPECT_THAT(life.drain(*life.create("q")), ElementsAre("first body", "third body"));
}

// A power cut may leave any beginning of the log. Whatever its length, the folder opens, and what is
// missing are the youngest messages, those whose fsync had not returned.
TEST(DurableQueue, AnyBeginningOfTheLogOpensToABeginningOfTheMessages) {
  constexpr std::size_t kMessages = 25;
  const TemporaryFolder folder;
  run_and_kill(std::chrono::milliseconds(0), [&](int fd) {
    Life life(folder.path());
    auto queue = life.create("q");
    for (std::size_t i = 0; i < kMessages; ++i) life.send(*queue, "message " + std::to_string(i));
    if (write(fd, "x", 1) != 1) return;
    pause();  // killed here, with everything still in the log
  });
  const Bytes database = read_file(folder.path() / "facefleet.db").value();
  const Bytes log = read_file(folder.path() / "facefleet.db-wal").value();
  const std::size_t used = log.find_last_not_of('\0') + 1;
  ASSERT_GT(used, 10'000U);

  SystemRandom random;
  std::set<std::size_t> lengths = {0, 1, 31, 32, 33, used - 1, used, log.size()};
  while (lengths.size() < 60) lengths.insert(random.next() % used);
  std::size_t most = 0;
  for (const std::size_t length : lengths) {
    SCOPED_TRACE(length);
    const TemporaryFolder cut;
    ASSERT_TRUE(write_file_atomic(cut.path() / "facefleet.db", database));
    ASSERT_TRUE(write_file_atomic(cut.path() / "facefleet.db-wal", BytesView(log).substr(0, length)));
    Life life(cut.path());
    const auto bodies = life.drain(*life.create("q"));
    for (std::size_t i = 0; i < bodies.size(); ++i) ASSERT_EQ(bodies[i], "message " + std::to_string(i));
    EXPECT_GE(bodies.size(), most);
    most = bodies.size();
  }
  EXPECT_EQ(most, kMessages);
}

// ---- SIGKILL at random moments ----

void tell(int fd, char what, const std::string& body) {
  const std::string line = what + body + "\n";
  if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
}

Task<> produce(std::shared_ptr<Queue> queue, int fd, std::string prefix) {
  for (int i = 0;; ++i) {
    const std::string body = prefix + std::to_string(i);
    tell(fd, 's', body);
    Outgoing message{body, Millis{0}};
    const auto sent = co_await queue->send(std::move(message));
    if (sent) tell(fd, 'S', body);
  }
}

Task<> consume(std::shared_ptr<Queue> queue, int fd) {
  for (;;) {
    Receive request{.max = 3, .wait = Millis{1'000}};
    const auto messages = co_await queue->receive(std::move(request));
    if (!messages) continue;
    for (const Message& message : *messages) {
      tell(fd, 'r', message.body);
      std::string receipt = message.receipt;
      const auto removed = co_await queue->remove(std::move(receipt));
      if (removed) tell(fd, 'R', message.body);
    }
  }
}

struct Ledger {
  std::set<std::string> send_started, sent, remove_started, removed;

  void enter(const std::string& lines) {
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line) && !in.eof();) {  // a last line without an end was cut off
      const std::string body = line.substr(1);
      switch (line[0]) {
        case 's': send_started.insert(body); break;
        case 'S': sent.insert(body); break;
        case 'r': remove_started.insert(body); break;
        case 'R': removed.insert(body); break;
        default: FAIL() << line;
      }
    }
  }

  void check(const std::vector<std::string>& bodies) const {
    const std::set<std::string> there(bodies.begin(), bodies.end());
    EXPECT_EQ(there.size(), bodies.size()) << "a message is there twice";
    for (const std::string& body : sent) {
      if (!remove_started.contains(body)) {
        EXPECT_TRUE(there.contains(body)) << "lost: " << body;
      }
    }
    for (const std::string& body : there) {
      EXPECT_TRUE(send_started.contains(body)) << "never sent: " << body;
      EXPECT_FALSE(removed.contains(body)) << "resurrected: " << body;
    }
  }
};

TEST(DurableQueue, KilledAtAnyMomentItLosesNothingAcknowledged) {
  const char* given = std::getenv("FACEFLEET_KILL_CYCLES");
  const int cycles = given != nullptr ? std::atoi(given) : 20;
  const TemporaryFolder folder;
  SystemRandom random;
  Ledger ledger;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const auto lifetime = std::chrono::milliseconds(random.next() % 60);
    ledger.enter(run_and_kill(lifetime, [&](int fd) {
      Life life(folder.path());
      auto queue = life.create("q");
      for (int i = 0; i < 20; ++i) {
        std::string prefix = std::to_string(cycle) + "." + std::to_string(i) + ".";
        asio::co_spawn(life.context(), produce(queue, fd, std::move(prefix)), asio::detached);
      }
      for (int i = 0; i < 10; ++i) asio::co_spawn(life.context(), consume(queue, fd), asio::detached);
      life.context().restart();
      life.context().run();
    }));
    Life life(folder.path());
    ledger.check(life.drain(*life.create("q")));
    if (HasFailure()) FAIL() << "in cycle " << cycle;
  }
  EXPECT_FALSE(ledger.sent.empty());
  EXPECT_FALSE(ledger.removed.empty());
  RecordProperty("acknowledged_sends", static_cast<int>(ledger.sent.size()));
}

}  // namespace
}  // namespace facefleet::queue
