#include "queue/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/ids.h"

namespace facefleet::queue {
namespace {

constexpr std::uint64_t kQueue = 0x1122334455667788;
constexpr std::uint32_t kRun = 7;

TEST(Receipt, IsReadBackByItsOwnQueueOnly) {
  const std::string receipt = write_receipt(kQueue, {.sequence = UINT64_MAX, .run = 3, .number = 4});
  EXPECT_EQ(receipt.size(), 48U);
  const auto delivery = read_receipt(kQueue, receipt);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->sequence, UINT64_MAX);
  EXPECT_EQ(delivery->run, 3U);
  EXPECT_EQ(delivery->number, 4U);
  EXPECT_FALSE(read_receipt(kQueue + 1, receipt));
}

TEST(Receipt, RefusesWhatIsNone) {
  std::string receipt = write_receipt(kQueue, {.sequence = 1, .run = 1, .number = 1});
  EXPECT_FALSE(read_receipt(kQueue, receipt + "0"));
  EXPECT_FALSE(read_receipt(kQueue, receipt.substr(1)));
  for (const std::size_t at : {0U, 16U, 32U, 47U}) {
    std::string damaged = receipt;
    for (const char c : {'g', '-', '+', ' ', '\0'}) {
      damaged[at] = c;
      EXPECT_FALSE(read_receipt(kQueue, damaged)) << at << c;
    }
  }
}

RecordPtr record(Sequence sequence, std::int64_t sent_ms = 0, std::int64_t delay_ms = 0) {
  return std::make_shared<const Record>(
      Record{sequence, std::to_string(sequence), "body", sent_ms, sent_ms + delay_ms});
}

// After a restart nobody knows which deliveries were not recorded; a receipt of an earlier process holds
// until this one delivers.
TEST(Engine, AReceiptOfAnEarlierRunHoldsUntilTheMessageIsDeliveredAnew) {
  std::size_t memory_bytes = record(1)->memory_bytes();
  Engine engine(kQueue, kRun, memory_bytes);
  engine.restore(record(1), {.sequence = 1, .count = 2, .first_received_ms = 5}, {});
  const auto standing = [&](std::uint32_t run, std::uint32_t number) {
    return engine.standing({.sequence = 1, .run = run, .number = number});
  };
  EXPECT_EQ(standing(kRun - 1, 2), Engine::Standing::kCurrent);
  EXPECT_EQ(standing(kRun - 1, 3), Engine::Standing::kCurrent);  // its record was lost in the crash
  EXPECT_EQ(standing(kRun - 1, 1), Engine::Standing::kStale);
  EXPECT_EQ(standing(kRun, 3), Engine::Standing::kStale);  // this run has delivered nothing yet
  const auto taken = engine.take({.max = 1, .lease = Millis{100}, .consumer = {}}, {});
  EXPECT_EQ(taken.messages.at(0).receive_count, 3U);
  EXPECT_EQ(taken.messages.at(0).first_received_ms, 5);
  EXPECT_EQ(standing(kRun - 1, 3), Engine::Standing::kStale);
  EXPECT_EQ(standing(kRun, 3), Engine::Standing::kCurrent);
}

TEST(Engine, ARemovalThatFailedMakesTheMessageVisibleAgain) {
  std::size_t memory_bytes = record(1)->memory_bytes();
  Engine engine(kQueue, kRun, memory_bytes);
  engine.add(record(1), {});
  engine.take({.max = 1, .lease = Millis{100}, .consumer = {}}, {});
  engine.begin_removal(1);
  EXPECT_EQ(engine.counts({}).in_flight, 1U);
  EXPECT_EQ(engine.standing({.sequence = 1, .run = kRun, .number = 1}), Engine::Standing::kLeaving);
  engine.end_removal(1, false);
  EXPECT_EQ(engine.counts({}).visible, 1U);
  engine.begin_removal(1);
  engine.end_removal(1, true);
  EXPECT_EQ(engine.standing({.sequence = 1, .run = kRun, .number = 1}), Engine::Standing::kGone);
  EXPECT_EQ(memory_bytes, 0U);
}

// ---- the engine against a model that is too simple to be wrong ----

// One flat list, searched from end to end.
class Model {
 public:
  struct Item {
    Sequence sequence = 0;
    std::int64_t sent = 0;
    std::int64_t hidden_until = 0;
    bool leased = false;  // if hidden: by a lease, not by its delay
    bool leaving = false;
    std::uint32_t receives = 0;
    std::string consumer;
  };

  void advance(std::int64_t to, std::int64_t retention) {
    now_ = to;
    // Age is checked from the oldest on, up to one that is leaving.
    while (!items_.empty() && items_.front().sent + retention <= now_ && !items_.front().leaving)
      items_.erase(items_.begin());
  }

  void add(Sequence sequence, std::int64_t delay) {
    Item item;
    item.sequence = sequence;
    item.sent = now_;
    item.hidden_until = now_ + delay;
    items_.push_back(item);
  }

  // The sequences delivered, and those found dead.
  std::pair<std::vector<Sequence>, std::vector<Sequence>> take(std::size_t max, std::int64_t lease,
                                                               const std::string& consumer,
                                                               std::uint32_t receives_max) {
    std::vector<Sequence> delivered;
    std::vector<Sequence> dead;
    for (Item& item : items_) {
      if (delivered.size() == max) break;
      if (item.leaving || item.hidden_until > now_) continue;
      if (receives_max > 0 && item.receives >= receives_max) {
        item.leaving = true;
        dead.push_back(item.sequence);
        continue;
      }
      ++item.receives;
      item.leased = true;
      item.hidden_until = now_ + lease;
      item.consumer = consumer;
      delivered.push_back(item.sequence);
    }
    return {delivered, dead};
  }

  Engine::Standing standing(Sequence sequence, std::uint32_t number) {
    const Item* item = find(sequence);
    if (item == nullptr) return Engine::Standing::kGone;
    if (item->receives != number) return Engine::Standing::kStale;
    return item->leaving ? Engine::Standing::kLeaving : Engine::Standing::kCurrent;
  }

  void begin_removal(Sequence sequence) {
    if (Item* item = find(sequence)) item->leaving = true;
  }

  void end_removal(Sequence sequence, bool removed) {
    Item* item = find(sequence);
    if (item == nullptr || !item->leaving) return;
    item->leaving = false;
    item->hidden_until = 0;
    if (removed) std::erase_if(items_, [&](const Item& each) { return each.sequence == sequence; });
  }

  void extend(Sequence sequence, std::int64_t lease) {
    Item& item = *find(sequence);
    item.leased = true;
    item.hidden_until = now_ + lease;
  }

  void release(const std::string& consumer) {
    for (Item& item : items_) {
      if (item.leased && item.consumer == consumer && !item.leaving) item.hidden_until = 0;
    }
  }

  void purge(Sequence through) {
    std::erase_if(items_, [&](const Item& item) { return item.sequence <= through; });
  }

  Counts counts() const {
    Counts counts;
    for (const Item& item : items_) {
      if (item.leaving) {
        ++counts.in_flight;
      } else if (item.hidden_until > now_) {
        ++(item.leased ? counts.in_flight : counts.delayed);
      } else if (counts.visible++ == 0) {
        counts.oldest_age = Millis(now_ - item.sent);
      }
    }
    return counts;
  }

  std::size_t size() const { return items_.size(); }

 private:
  Item* find(Sequence sequence) {
    const auto at =
        std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.sequence == sequence; });
    return at == items_.end() ? nullptr : &*at;
  }

  std::int64_t now_ = 0;
  std::vector<Item> items_;
};

// Drives both with the same random operations, and compares all that can be seen.
class Duel {
 public:
  explicit Duel(std::uint64_t seed) : random_(seed) { model_.advance(clock_ms_, kRetention.count()); }

  void step() {
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
      case 3: return send();
      case 4:
      case 5:
      case 6:
      case 7: return take();
      case 8:
      case 9: return remove();
      case 10: return extend();
      case 11: return end_removals();
      case 12: return release();
      case 13:
      case 14: return advance();
      default: return rarely_purge();
    }
  }

  void compare() {
    const Counts want = model_.counts();
    const Counts have = engine_.counts(now());
    ASSERT_EQ(have.visible, want.visible);
    ASSERT_EQ(have.in_flight, want.in_flight);
    ASSERT_EQ(have.delayed, want.delayed);
    ASSERT_EQ(have.oldest_age, want.oldest_age);
    ASSERT_EQ(memory_bytes_, model_.size() * record(1)->memory_bytes());
  }

 private:
  static constexpr Millis kRetention{2'000};
  static constexpr std::uint32_t kReceivesMax = 4;

  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(bound));
  }
  Now now() const { return {MonoTime(Millis(clock_ms_)), clock_ms_}; }
  std::string any_consumer() { return std::string(1, static_cast<char>('a' + below(3))); }

  void send() {
    if (model_.size() > 60) return;
    const std::int64_t delay = below(3) == 0 ? below(200) : 0;
    const RecordPtr sent = record(++last_, clock_ms_, delay);
    memory_bytes_ += sent->memory_bytes();
    engine_.add(sent, now());
    model_.add(last_, delay);
  }

  void take() {
    const std::int64_t lease = below(4) == 0 ? 0 : below(150);
    const auto max = static_cast<std::uint32_t>(1 + below(4));
    const std::string consumer = any_consumer();
    const std::uint32_t receives_max = below(2) == 0 ? kReceivesMax : 0;
    const auto taken =
        engine_.take({.max = max, .lease = Millis(lease), .consumer = consumer, .receives_max = receives_max}, now());
    const auto [delivered, dead] = model_.take(max, lease, consumer, receives_max);
    ASSERT_EQ(taken.messages.size(), delivered.size());
    ASSERT_EQ(taken.receives.size(), delivered.size());
    for (std::size_t i = 0; i < delivered.size(); ++i) {
      ASSERT_EQ(taken.messages[i].id, std::to_string(delivered[i]));
      const auto delivery = read_receipt(kQueue, taken.messages[i].receipt);
      ASSERT_TRUE(delivery);
      ASSERT_EQ(delivery->number, taken.receives[i].count);
      receipts_.push_back(*delivery);
    }
    ASSERT_EQ(taken.dead.size(), dead.size());
    for (std::size_t i = 0; i < dead.size(); ++i) {
      ASSERT_EQ(taken.dead[i]->sequence, dead[i]);
      leaving_.push_back(dead[i]);
    }
  }

  // One of the receipts ever given, mostly a young one.
  std::optional<Delivery> any_receipt() {
    if (receipts_.empty()) return {};
    const auto back = std::min<std::int64_t>(static_cast<std::int64_t>(receipts_.size()), below(4) == 0 ? 500 : 20);
    const Delivery delivery = receipts_[receipts_.size() - 1 - static_cast<std::size_t>(below(back))];
    const Engine::Standing standing = engine_.standing(delivery);
    EXPECT_EQ(standing, model_.standing(delivery.sequence, delivery.number));
    return standing == Engine::Standing::kCurrent ? std::optional(delivery) : std::nullopt;
  }

  void remove() {
    const auto delivery = any_receipt();
    if (!delivery) return;
    engine_.begin_removal(delivery->sequence);
    model_.begin_removal(delivery->sequence);
    leaving_.push_back(delivery->sequence);
  }

  void end_removals() {
    for (const Sequence sequence : leaving_) {
      const bool removed = below(5) != 0;
      engine_.end_removal(sequence, removed);
      model_.end_removal(sequence, removed);
    }
    leaving_.clear();
  }

  void extend() {
    const auto delivery = any_receipt();
    if (!delivery) return;
    const std::int64_t lease = below(2) == 0 ? 0 : below(300);
    engine_.extend(delivery->sequence, Millis(lease), now());
    model_.extend(delivery->sequence, lease);
  }

  void release() {
    const std::string consumer = any_consumer();
    engine_.release(consumer);
    model_.release(consumer);
  }

  void advance() {
    const auto next = engine_.next_event();
    const std::int64_t to_next = next ? std::chrono::duration_cast<Millis>(*next - now().mono).count() : 0;
    ASSERT_GE(to_next, 0);
    clock_ms_ += below(3) == 0 ? to_next : below(40);  // often to the very moment at which something ends
    model_.advance(clock_ms_, kRetention.count());
    engine_.settle(now(), kRetention);
  }

  void rarely_purge() {
    if (below(50) != 0) return;
    const Sequence through = last_ - static_cast<Sequence>(below(5));
    engine_.purge(through);
    model_.purge(through);
  }

  SeededRandom random_;
  std::int64_t clock_ms_ = 1'000'000;
  Sequence last_ = 10;
  std::size_t memory_bytes_ = 0;
  Engine engine_{kQueue, kRun, memory_bytes_};
  Model model_;
  std::vector<Delivery> receipts_;
  std::vector<Sequence> leaving_;
};

TEST(Engine, AgreesWithTheModel) {
  const char* given = std::getenv("FACEFLEET_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : SystemRandom().next();
  SCOPED_TRACE("replay with FACEFLEET_SEED=" + std::to_string(seed));
  Duel duel(seed);
  for (int operation = 0; operation < 200'000; ++operation) {
    duel.step();
    duel.compare();
    ASSERT_FALSE(testing::Test::HasFailure()) << "operation " << operation;
  }
}

}  // namespace
}  // namespace facefleet::queue
