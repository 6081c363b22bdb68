// A million random operations on queues inside this process and on a reference queue beside them, on one simulated
// clock, with crashes: whatever the one answers, the other must.
//
// What is on disk is played by SimDisk, which keeps a beginning of the writes that no one was told of when a crash
// comes, as a write-ahead log does. FACEFLEET_SEED=N repeats a run; FACEFLEET_MODEL_OPERATIONS=N makes it longer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "base/testing.h"
#include "queue/local_queues.h"

namespace facefleet::queue {
namespace {

constexpr Millis kRetention{600'000};
constexpr std::uint32_t kReceivesMax = 4;
constexpr std::size_t kReceipts = 256;  // old ones are worth trying too

// What is wrong in a world that the checker must tell from the right one.
enum class Bug { kNone, kForgetsAnAdd, kForgetsARemoval, kDeliversTwice, kMixesUpOrder };

// ---- the disk ----

struct Disk {
  std::map<std::uint64_t, QueueRecord> queues;
  std::map<Sequence, std::pair<std::uint64_t, RecordPtr>> messages;  // with their queues
  std::map<Sequence, Receives> receives;
  std::uint32_t run = 0;

  void forget(Sequence sequence) {
    messages.erase(sequence);
    receives.erase(sequence);
  }

  std::vector<StoredQueue> load() const {
    std::map<std::uint64_t, StoredQueue> stored;
    for (const auto& [number, record] : queues) stored[number] = {record, {}};
    for (const auto& [sequence, entry] : messages) {
      const auto known = receives.find(sequence);
      stored[entry.first].messages.push_back(
          {entry.second, known == receives.end() ? Receives{sequence, 0, 0} : known->second});
    }
    std::vector<StoredQueue> list;
    for (auto& [number, queue] : stored) list.push_back(std::move(queue));
    return list;
  }
};

class SimDisk {
 public:
  using Write = std::function<void(Disk&)>;

  explicit SimDisk(Bug bug) : bug_(bug) {}

  void note(Write write) { log_.push_back(std::move(write)); }

  // Acknowledged once it is kept; while the disk is held, never.
  Task<Result<void>> keep(Write write) {
    note(std::move(write));
    if (held_) {
      asio::steady_timer never(co_await asio::this_coro::executor, MonoTime::max());
      co_await never.async_wait(asio::use_awaitable);
    }
    flush(log_.size());
    co_return Result<void>();
  }

  void hold() { held_ = true; }
  std::size_t waiting() const { return log_.size(); }

  // The first `kept` of the writes that nobody was told of survive.
  void crash(std::size_t kept) {
    flush(kept);
    log_.clear();
    held_ = false;
  }

  Disk& disk() { return disk_; }
  bool spoils(Bug bug) { return bug_ == bug && ++chances_ % 1'000 == 0; }

 private:
  void flush(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) log_[i](disk_);
    log_.erase(log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  const Bug bug_;
  Disk disk_;
  std::vector<Write> log_;
  bool held_ = false;
  int chances_ = 0;
};

class SimJournal final : public Journal {
 public:
  explicit SimJournal(SimDisk& disk) : disk_(disk) {}

  Task<Result<void>> put_queue(QueueRecord queue) override {
    return disk_.keep([queue = std::move(queue)](Disk& disk) { disk.queues[queue.number] = queue; });
  }
  Task<Result<void>> drop_queue(std::uint64_t queue) override {
    return disk_.keep([queue](Disk& disk) { disk.queues.erase(queue); });
  }
  Task<Result<void>> add(std::uint64_t queue, std::vector<RecordPtr> records) override {
    if (disk_.spoils(Bug::kForgetsAnAdd)) records.pop_back();
    return disk_.keep([queue, records = std::move(records)](Disk& disk) {
      for (const RecordPtr& record : records) disk.messages[record->sequence] = {queue, record};
    });
  }
  Task<Result<void>> remove(std::vector<Sequence> messages) override {
    if (disk_.spoils(Bug::kForgetsARemoval)) messages.pop_back();
    return disk_.keep([messages = std::move(messages)](Disk& disk) {
      for (const Sequence sequence : messages) disk.forget(sequence);
    });
  }
  Task<Result<void>> purge(std::uint64_t queue, Sequence through) override {
    return disk_.keep([queue, through](Disk& disk) {
      std::vector<Sequence> gone;
      for (const auto& [sequence, entry] : disk.messages)
        if (entry.first == queue && sequence <= through) gone.push_back(sequence);
      for (const Sequence sequence : gone) disk.forget(sequence);
    });
  }
  Task<Result<void>> move(RecordPtr record, std::uint64_t to) override {
    return disk_.keep([record = std::move(record), to](Disk& disk) {
      disk.messages[record->sequence] = {to, record};
      disk.receives.erase(record->sequence);
    });
  }
  void note_receives(std::vector<Receives> receives) override {
    disk_.note([receives = std::move(receives)](Disk& disk) {
      for (const Receives& each : receives)
        if (disk.messages.contains(each.sequence)) disk.receives[each.sequence] = each;
    });
  }
  void note_expired(std::vector<Sequence> messages) override {
    disk_.note([messages = std::move(messages)](Disk& disk) {
      for (const Sequence sequence : messages) disk.forget(sequence);
    });
  }

 private:
  SimDisk& disk_;
};

// ---- the reference ----

struct RefMessage {
  std::string body;
  std::int64_t sent_ms = 0;
  std::int64_t visible_ms = 0;  // after its delay
  std::int64_t until_ms = 0;    // of its lease
  std::uint32_t count = 0;      // deliveries
  std::uint32_t run = 0;        // of the last delivery; 0: loaded since
};

struct RefQueue {
  std::map<std::uint64_t, RefMessage> messages;  // by the order of sending

  void expire(std::int64_t now) {
    std::erase_if(messages, [now](const auto& one) { return one.second.sent_ms + kRetention.count() <= now; });
  }
  static bool delayed(const RefMessage& message, std::int64_t now) { return message.visible_ms > now; }
  static bool leased(const RefMessage& message, std::int64_t now) { return message.until_ms > now; }
};

struct Receipt {
  std::size_t queue;
  std::uint64_t order;
  std::uint32_t run;
  std::uint32_t number;
  std::string text;
};

// ---- both, side by side ----

class World {
 public:
  World(std::uint64_t seed, Bug bug) : bug_(bug), disk_(bug), chance_(seed) { begin_life(); }
  ~World() { end_life(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Does so many random operations; what first differed, or nothing.
  std::optional<std::string> run(std::size_t operations) {
    for (done_ = 0; done_ < operations && trouble_.empty(); ++done_) step();
    if (trouble_.empty()) return std::nullopt;
    return "operation " + std::to_string(done_) + ": " + trouble_;
  }

  std::size_t deliveries() const { return deliveries_; }
  std::size_t crashes() const { return crashes_; }
  std::size_t buried() const { return buried_; }

 private:
  std::uint64_t below(std::uint64_t limit) { return chance_() % limit; }
  std::int64_t now() const { return clock_.wall_ms(); }
  void differs(std::string what) {
    if (trouble_.empty()) trouble_ = std::move(what);
  }

  void begin_life() {
    run_ = ++disk_.disk().run;
    context_ = std::make_unique<asio::io_context>(1);
    queues_ = open_local_queues(context_->get_executor(), clock_, random_, Log::silent(),
                                std::make_unique<SimJournal>(disk_), run_, disk_.disk().load());
    Attributes attributes;
    attributes.retention = kRetention;
    open_[1] = run_task(*context_, queues_->create("dead", attributes)).value();
    attributes.dead_letter_queue = "dead";
    attributes.receives_max = kReceivesMax;
    open_[0] = run_task(*context_, queues_->create("q", attributes)).value();
  }

  void end_life() {
    open_ = {};
    queues_.reset();
    context_.reset();  // and with it every call that nobody was told the end of
  }

  template <class T>
  T call(Task<T> task) {
    return run_task(*context_, std::move(task));
  }
  void settle_down() {
    context_->restart();
    context_->poll();
  }

  void step() {
    for (RefQueue& queue : reference_) queue.expire(now());
    const std::uint64_t dice = below(1'000);
    const std::size_t which = below(8) == 0 ? 1 : 0;
    if (dice < 300)
      send();
    else if (dice < 620)
      receive(which);
    else if (dice < 800)
      remove();
    else if (dice < 880)
      extend();
    else if (dice < 940)
      count(which);
    else if (dice < 990)
      clock_.advance(Millis(static_cast<std::int64_t>(below(4) == 0 ? below(20'000) : below(200))));
    else if (dice < 992)
      purge(which);
    else if (dice < 993)
      clock_.advance(kRetention / 2);
    else if (dice < 996)
      crash();
    else
      check_disk();
  }

  Outgoing draft(std::uint64_t order) {
    Outgoing message{std::to_string(order), Millis{0}};
    if (below(5) == 0) message.delay = Millis(static_cast<std::int64_t>(below(5'000)));
    return message;
  }
  void note_sent(std::uint64_t order, const Outgoing& message) {
    reference_[0].messages[order] = {message.body, now(), now() + message.delay.count(), 0, 0, 0};
  }

  void send() {
    const std::uint64_t order = next_order_++;
    const Outgoing message = draft(order);
    if (!call(open_[0]->send(message))) differs("a send failed");
    note_sent(order, message);
  }

  void receive(std::size_t which) {
    Receive request{.max = static_cast<std::uint32_t>(1 + below(3)), .wait = {}, .lease = {}, .consumer = {}};
    request.lease = below(6) == 0 ? Millis{0} : Millis(static_cast<std::int64_t>(below(10'000)));
    const auto got = call(open_[which]->receive(request)).value();
    settle_down();  // what was delivered too often is buried beside
    const auto expected = expected_receive(which, request);
    if (got.size() != expected.size())
      return differs("received " + std::to_string(got.size()) + " messages, and not " +
                     std::to_string(expected.size()));
    for (std::size_t i = 0; i < got.size(); ++i) {
      const RefMessage& message = reference_[which].messages.at(expected[i]);
      if (got[i].body != message.body) return differs("received " + got[i].body + ", and not " + message.body);
      if (got[i].receive_count != message.count) return differs("another receive count of " + message.body);
      if (got[i].sent_ms != message.sent_ms) return differs("another time of " + message.body);
      remember({which, expected[i], run_, message.count, got[i].receipt});
    }
    deliveries_ += got.size();
    if (!got.empty() && bug_ == Bug::kDeliversTwice && below(1'000) == 0)
      (void)call(open_[which]->extend(got[0].receipt, Millis{0}));
  }

  // Delivers from the reference; the orders of what it hands out.
  std::vector<std::uint64_t> expected_receive(std::size_t which, const Receive& request) {
    std::vector<std::uint64_t> taken;
    std::vector<std::uint64_t> dead;
    auto& messages = reference_[which].messages;
    for (auto& [order, message] : messages) {
      if (taken.size() == request.max) break;
      if (RefQueue::delayed(message, now()) || RefQueue::leased(message, now())) continue;
      if (which == 0 && message.count >= kReceivesMax) {
        dead.push_back(order);
        continue;
      }
      ++message.count;
      message.run = run_;
      message.until_ms = now() + request.lease->count();
      taken.push_back(order);
    }
    for (const std::uint64_t order : dead) {
      RefMessage moved = messages.at(order);
      moved.count = moved.run = 0;
      moved.until_ms = 0;
      messages.erase(order);
      reference_[1].messages[order] = moved;
      ++buried_;
    }
    if (bug_ == Bug::kMixesUpOrder && taken.size() > 1 && below(500) == 0) std::swap(taken[0], taken[1]);
    return taken;
  }

  void remember(Receipt receipt) {
    if (receipts_.size() < kReceipts)
      receipts_.push_back(std::move(receipt));
    else
      receipts_[below(kReceipts)] = std::move(receipt);
  }
  const Receipt* any_receipt() {
    if (receipts_.empty()) return nullptr;
    const std::size_t recent = std::min<std::size_t>(receipts_.size(), 8);
    return &receipts_[below(3) == 0 ? receipts_.size() - 1 - below(recent) : below(receipts_.size())];
  }

  // The message that a receipt still speaks for: its latest delivery; after a restart also one that may have been.
  RefMessage* named_by(const Receipt& receipt) {
    const auto at = reference_[receipt.queue].messages.find(receipt.order);
    if (at == reference_[receipt.queue].messages.end()) return nullptr;
    RefMessage& message = at->second;
    const bool current = message.run == 0 ? receipt.run != run_ && receipt.number >= message.count
                                          : receipt.run == message.run && receipt.number == message.count;
    return current ? &message : nullptr;
  }

  void remove() {
    const Receipt* receipt = any_receipt();
    if (receipt == nullptr) return;
    if (!call(open_[receipt->queue]->remove(receipt->text))) differs("a removal failed");
    if (named_by(*receipt) != nullptr) reference_[receipt->queue].messages.erase(receipt->order);
  }

  void extend() {
    const Receipt* receipt = any_receipt();
    if (receipt == nullptr) return;
    const Millis lease(below(4) == 0 ? 0 : static_cast<std::int64_t>(below(20'000)));
    const bool extended = call(open_[receipt->queue]->extend(receipt->text, lease)).has_value();
    RefMessage* message = named_by(*receipt);
    if (extended != (message != nullptr)) return differs("a lease was extended, or was not");
    if (message != nullptr) message->until_ms = now() + lease.count();
  }

  void purge(std::size_t which) {
    if (!call(open_[which]->purge())) differs("a purge failed");
    reference_[which].messages.clear();
  }

  void count(std::size_t which) {
    const Counts got = call(open_[which]->counts()).value();
    std::uint64_t visible = 0;
    std::uint64_t leased = 0;
    std::uint64_t delayed = 0;
    for (const auto& [order, message] : reference_[which].messages) {
      if (RefQueue::leased(message, now()))
        ++leased;
      else if (RefQueue::delayed(message, now()))
        ++delayed;
      else
        ++visible;
    }
    if (got.visible != visible || got.in_flight != leased || got.delayed != delayed) differs("other counts");
  }

  // Some calls whose ends nobody learns, then the end of the process, then its next life.
  void crash() {
    disk_.hold();
    std::vector<std::pair<std::size_t, std::function<void()>>> in_the_air;  // the write's place, and what it means
    for (std::uint64_t left = below(5); left > 0; --left) {
      const std::size_t before = disk_.waiting();
      auto effect = start_one();
      settle_down();
      if (disk_.waiting() > before) in_the_air.emplace_back(disk_.waiting(), std::move(effect));
    }
    const std::size_t kept = below(disk_.waiting() + 1);
    end_life();
    disk_.crash(kept);
    for (auto& [place, effect] : in_the_air)
      if (place <= kept) effect();
    ++crashes_;
    adopt_receive_counts();
    begin_life();
  }

  std::function<void()> start_one() {
    const std::uint64_t dice = below(10);
    if (dice == 0) {
      asio::co_spawn(*context_, open_[0]->purge(), asio::detached);
      return [this] { reference_[0].messages.clear(); };
    }
    const Receipt* receipt = any_receipt();
    if (dice < 5 && receipt != nullptr) {
      asio::co_spawn(*context_, open_[receipt->queue]->remove(receipt->text), asio::detached);
      return [this, queue = receipt->queue, order = receipt->order] { reference_[queue].messages.erase(order); };
    }
    const std::uint64_t order = next_order_++;
    const Outgoing message = draft(order);
    asio::co_spawn(*context_, open_[0]->send(message), asio::detached);
    return [this, order, message] { note_sent(order, message); };
  }

  // A crash may lose the record of a delivery, never add one; and it ends every lease.
  void adopt_receive_counts() {
    std::map<std::string, std::uint32_t> recorded;
    for (const auto& [sequence, entry] : disk_.disk().messages) {
      const auto known = disk_.disk().receives.find(sequence);
      recorded[entry.second->body] = known == disk_.disk().receives.end() ? 0 : known->second.count;
    }
    for (RefQueue& queue : reference_) {
      for (auto& [order, message] : queue.messages) {
        const std::uint32_t count = recorded[message.body];
        if (count > message.count) differs("more deliveries of " + message.body + " on disk than there were");
        message.count = count;
        message.run = 0;
        message.until_ms = 0;
      }
    }
  }

  // The disk holds what was acknowledged, and nothing else; what has expired may still lie there.
  void check_disk() {
    std::set<std::string> there;
    for (const auto& [sequence, entry] : disk_.disk().messages)
      if (entry.second->sent_ms + kRetention.count() > now()) there.insert(entry.second->body);
    std::set<std::string> expected;
    for (const RefQueue& queue : reference_)
      for (const auto& [order, message] : queue.messages) expected.insert(message.body);
    if (there != expected) differs("the disk holds other messages");
  }

  const Bug bug_;
  SimDisk disk_;
  std::mt19937_64 chance_;
  ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<asio::io_context> context_;
  std::unique_ptr<Queues> queues_;
  std::array<std::shared_ptr<Queue>, 2> open_;  // q, dead
  std::array<RefQueue, 2> reference_;
  std::vector<Receipt> receipts_;
  std::uint32_t run_ = 0;
  std::uint64_t next_order_ = 1;
  std::size_t done_ = 0;
  std::size_t deliveries_ = 0;
  std::size_t crashes_ = 0;
  std::size_t buried_ = 0;
  std::string trouble_;
};

std::uint64_t seed() {
  if (const char* given = std::getenv("FACEFLEET_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device()();
}

std::size_t operations() {
  const char* given = std::getenv("FACEFLEET_MODEL_OPERATIONS");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1'000'000;
}

TEST(QueueModel, AMillionOperationsAnswerAsTheReferenceDoes) {
  const std::uint64_t with = seed();
  std::printf("FACEFLEET_SEED=%llu\n", static_cast<unsigned long long>(with));
  World world(with, Bug::kNone);
  const auto trouble = world.run(operations());
  EXPECT_FALSE(trouble) << *trouble << " (FACEFLEET_SEED=" << with << ")";
  std::printf("%zu operations, %zu deliveries, %zu to the dead-letter queue, %zu crashes\n", operations(),
              world.deliveries(), world.buried(), world.crashes());
  EXPECT_GT(world.crashes(), operations() / 1'000);
  EXPECT_GT(world.buried(), operations() / 10'000);
}

class PlantedBug : public testing::TestWithParam<Bug> {};

TEST_P(PlantedBug, IsFound) {
  World world(seed(), GetParam());
  EXPECT_TRUE(world.run(operations())) << "a checker that does not find this finds nothing";
}

INSTANTIATE_TEST_SUITE_P(Each, PlantedBug,
                         testing::Values(Bug::kForgetsAnAdd, Bug::kForgetsARemoval, Bug::kDeliversTwice,
                                         Bug::kMixesUpOrder));

}  // namespace
}  // namespace facefleet::queue
