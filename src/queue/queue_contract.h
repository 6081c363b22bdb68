// What every Queue promises, as tests. A backend joins with one line in one source file of its tests:
//
//     INSTANTIATE_TEST_SUITE_P(Memory, QueueContract, testing::Values(QueueBackend{"memory", open_memory}));
//
// QueueContract asks nothing of a backend's time: leases and waits are whole seconds or none, bodies
// are text, so that it can be run through the SQS door. QueueTimeContract moves a ManualClock, and asks
// for what only queues inside this process promise: exact milliseconds, any bytes, release().
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/testing.h"
#include "queue/queue.h"

namespace facefleet::queue {

// Queues under test, with all that they need.
class QueuePlace {
 public:
  virtual ~QueuePlace() = default;
  virtual asio::io_context& context() = 0;
  virtual Queues& queues() = 0;
  virtual ManualClock* clock() { return nullptr; }  // QueueTimeContract: the clock that `queues` go by
};

struct QueueBackend {
  std::string name;
  std::function<std::unique_ptr<QueuePlace>()> open;  // an empty place
};

inline void PrintTo(const QueueBackend& backend, std::ostream* out) { *out << backend.name; }

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// A task that runs beside the test, and can be cancelled.
template <class T>
class Background {
 public:
  Background(asio::io_context& context, Task<T> task) : context_(context) {
    asio::co_spawn(context, std::move(task),
                   asio::bind_cancellation_slot(cancel_.slot(), [this](std::exception_ptr error, T value) {
                     failed_ = error != nullptr;
                     if (!failed_) value_.emplace(std::move(value));
                     ended_ = true;
                   }));
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  bool ended() const { return ended_; }
  void cancel() { cancel_.emit(asio::cancellation_type::terminal); }

  // What the task returned; nothing if it threw.
  std::optional<T> join() {
    context_.restart();
    while (!ended_ && context_.run_one() > 0) {
    }
    return std::move(value_);
  }

 private:
  asio::io_context& context_;
  asio::cancellation_signal cancel_;
  std::optional<T> value_;
  bool ended_ = false;
  bool failed_ = false;
};

class QueueFixture : public testing::TestWithParam<QueueBackend> {
 protected:
  static constexpr Millis kLong{20'000};

  template <class T>
  T run(Task<T> task) {
    return run_task(place_->context(), std::move(task));
  }

  // Runs what is ready, e.g. so that a background receive gets as far as waiting.
  void run_ready() {
    place_->context().restart();
    place_->context().poll();
  }

  std::shared_ptr<Queue> create(const std::string& name, Attributes attributes = {}) {
    return run(queues().create(name, std::move(attributes))).value();
  }

  std::string send(Queue& queue, std::string body, Millis delay = Millis{0}) {
    Outgoing message{std::move(body), delay};
    return run(queue.send(std::move(message))).value();
  }

  std::vector<Message> receive(Queue& queue, Receive request = {}) {
    return run(queue.receive(std::move(request))).value();
  }

  Message receive_one(Queue& queue, Receive request = {}) {
    auto messages = receive(queue, std::move(request));
    EXPECT_THAT(messages, SizeIs(1));
    return messages.empty() ? Message{} : std::move(messages.front());
  }

  static std::vector<std::string> bodies(const std::vector<Message>& messages) {
    std::vector<std::string> out;
    for (const Message& message : messages) out.push_back(message.body);
    return out;
  }

  void expect_counts(Queue& queue, std::uint64_t visible, std::uint64_t in_flight, std::uint64_t delayed) {
    const Counts counts = run(queue.counts()).value();
    EXPECT_EQ(counts.visible, visible);
    EXPECT_EQ(counts.in_flight, in_flight);
    EXPECT_EQ(counts.delayed, delayed);
  }

  template <class T>
  static Code code_of(const Result<T>& result) {
    EXPECT_TRUE(result.has_error());
    return result.has_error() ? result.error().code : Code::kInternal;
  }

  Queues& queues() { return place_->queues(); }
  asio::io_context& context() { return place_->context(); }

  std::unique_ptr<QueuePlace> place_ = GetParam().open();
};

class QueueContract : public QueueFixture {};

TEST_P(QueueContract, CreateIsIdempotentForEqualAttributes) {
  Attributes attributes;
  attributes.lease = Millis{60'000};
  create("q", attributes);
  EXPECT_TRUE(run(queues().create("q", attributes)));
  attributes.lease = Millis{61'000};
  EXPECT_EQ(code_of(run(queues().create("q", attributes))), Code::kConflict);
}

TEST_P(QueueContract, RefusesBadNames) {
  for (const char* name : {"", "a b", "a/b", "../q", "q.fifo.x!", "\xc3\xa4"})
    EXPECT_EQ(code_of(run(queues().create(name, {}))), Code::kInvalidInput) << name;
  EXPECT_EQ(code_of(run(queues().create(std::string(81, 'a'), {}))), Code::kInvalidInput);
  EXPECT_TRUE(run(queues().create(std::string(80, 'a'), {})));
}

TEST_P(QueueContract, ListsByPrefixInOrder) {
  for (const char* name : {"b-2", "a-1", "b-1", "c"}) create(name);
  EXPECT_THAT(run(queues().list("b-")).value(), ElementsAre("b-1", "b-2"));
  EXPECT_THAT(run(queues().list("")).value(), ElementsAre("a-1", "b-1", "b-2", "c"));
  EXPECT_THAT(run(queues().list("x")).value(), IsEmpty());
}

TEST_P(QueueContract, OpensWhatWasCreated) {
  create("q");
  EXPECT_EQ(run(queues().open("q")).value()->name(), "q");
  EXPECT_EQ(code_of(run(queues().open("other"))), Code::kNotFound);
}

TEST_P(QueueContract, ARemovedQueueIsGoneWithItsMessages) {
  auto queue = create("q");
  send(*queue, "lost");
  ASSERT_TRUE(run(queues().remove("q")));
  EXPECT_EQ(code_of(run(queues().open("q"))), Code::kNotFound);
  EXPECT_EQ(code_of(run(queues().remove("q"))), Code::kNotFound);
  EXPECT_EQ(code_of(run(queue->receive({}))), Code::kNotFound);
  EXPECT_EQ(code_of(run(queue->counts())), Code::kNotFound);
  EXPECT_THAT(receive(*create("q")), IsEmpty());
}

TEST_P(QueueContract, AttributesChange) {
  auto queue = create("q");
  Attributes attributes = run(queue->attributes()).value();
  EXPECT_EQ(attributes.lease, Millis{30'000});
  attributes.lease = Millis{5'000};
  attributes.delay = Millis{1'000};
  attributes.message_bytes_max = 2'048;
  ASSERT_TRUE(run(queue->set_attributes(attributes)));
  const Attributes changed = run(queue->attributes()).value();
  EXPECT_EQ(changed.lease, Millis{5'000});
  EXPECT_EQ(changed.delay, Millis{1'000});
  EXPECT_EQ(changed.message_bytes_max, 2'048U);
  attributes.lease = Millis{43'201'000};
  EXPECT_EQ(code_of(run(queue->set_attributes(attributes))), Code::kInvalidInput);
}

TEST_P(QueueContract, AMessageTravelsWhole) {
  auto queue = create("q");
  const std::string id = send(*queue, "Grüße, \"<&>\"\n\t1");
  const Message message = receive_one(*queue);
  EXPECT_EQ(message.id, id);
  EXPECT_EQ(message.body, "Grüße, \"<&>\"\n\t1");
  EXPECT_EQ(message.receive_count, 1U);
  EXPECT_GT(message.sent_ms, 1'600'000'000'000);
  EXPECT_GE(message.first_received_ms, message.sent_ms);
  EXPECT_FALSE(message.receipt.empty());
  ASSERT_TRUE(run(queue->remove(message.receipt)));
  expect_counts(*queue, 0, 0, 0);
}

TEST_P(QueueContract, ReceivesOldestFirstAndAtMostMax) {
  auto queue = create("q");
  for (int i = 0; i < 12; ++i) send(*queue, std::to_string(i));
  EXPECT_THAT(bodies(receive(*queue)), ElementsAre("0"));
  EXPECT_THAT(bodies(receive(*queue, {.max = 10})), ElementsAre("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"));
  EXPECT_THAT(bodies(receive(*queue, {.max = 10})), ElementsAre("11"));
  EXPECT_THAT(receive(*queue, {.max = 10}), IsEmpty());
}

TEST_P(QueueContract, RefusesRequestsBeyondItsLimits) {
  auto queue = create("q");
  EXPECT_EQ(code_of(run(queue->receive({.max = 0}))), Code::kInvalidInput);
  EXPECT_EQ(code_of(run(queue->receive({.max = 11}))), Code::kInvalidInput);
  EXPECT_EQ(code_of(run(queue->receive({.wait = Millis{21'000}}))), Code::kInvalidInput);
  EXPECT_EQ(code_of(run(queue->receive({.lease = Millis{43'201'000}}))), Code::kInvalidInput);
  EXPECT_EQ(code_of(run(queue->send({.body = "x", .delay = Millis{901'000}}))), Code::kInvalidInput);
  EXPECT_EQ(code_of(run(queue->send({.body = ""}))), Code::kInvalidInput);
}

TEST_P(QueueContract, TheLongestMessageFitsAndOneByteMoreDoesNot) {
  Attributes attributes;
  attributes.message_bytes_max = 2'048;
  auto queue = create("q", attributes);
  send(*queue, std::string(2'048, 'x'));
  EXPECT_EQ(receive_one(*queue).body, std::string(2'048, 'x'));
  EXPECT_EQ(code_of(run(queue->send({.body = std::string(2'049, 'x')}))), Code::kInvalidInput);
}

TEST_P(QueueContract, EachMessageOfABatchSucceedsOrFailsByItself) {
  auto queue = create("q");
  std::vector<Outgoing> messages;
  messages.push_back({.body = "first"});
  messages.push_back({.body = ""});
  messages.push_back({.body = "third"});
  const auto sent = run(queue->send_batch(std::move(messages)));
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_TRUE(sent[0]);
  EXPECT_EQ(code_of(sent[1]), Code::kInvalidInput);
  EXPECT_TRUE(sent[2]);
  const auto received = receive(*queue, {.max = 10});
  EXPECT_THAT(bodies(received), ElementsAre("first", "third"));

  const auto removed = run(queue->remove_batch({received[0].receipt, "garbage", received[1].receipt}));
  ASSERT_THAT(removed, SizeIs(3));
  EXPECT_TRUE(removed[0]);
  EXPECT_EQ(code_of(removed[1]), Code::kInvalidInput);
  EXPECT_TRUE(removed[2]);
  expect_counts(*queue, 0, 0, 0);
}

TEST_P(QueueContract, CountsAreRightAfterEachOperation) {
  auto queue = create("q");
  expect_counts(*queue, 0, 0, 0);
  send(*queue, "a");
  send(*queue, "b");
  send(*queue, "later", Millis{600'000});
  expect_counts(*queue, 2, 0, 1);
  const Message a = receive_one(*queue);
  expect_counts(*queue, 1, 1, 1);
  ASSERT_TRUE(run(queue->extend(a.receipt, Millis{0})));
  expect_counts(*queue, 2, 0, 1);
  const Message again = receive_one(*queue);
  ASSERT_TRUE(run(queue->remove(again.receipt)));
  expect_counts(*queue, 1, 0, 1);
  ASSERT_TRUE(run(queue->purge()));
  expect_counts(*queue, 0, 0, 0);
}

TEST_P(QueueContract, ALeaseHidesAMessageUntilItEnds) {
  auto queue = create("q");
  send(*queue, "a");
  const Message first = receive_one(*queue, {.lease = Millis{1'000}});
  EXPECT_THAT(receive(*queue), IsEmpty());
  const Message second = receive_one(*queue, {.wait = Millis{5'000}});  // wakes when the lease ends
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.receive_count, 2U);
  EXPECT_EQ(second.first_received_ms, first.first_received_ms);
  EXPECT_NE(second.receipt, first.receipt);
}

TEST_P(QueueContract, AMessageThatReturnsKeepsItsPlace) {
  auto queue = create("q");
  send(*queue, "old");
  const Message old = receive_one(*queue);
  send(*queue, "new");
  ASSERT_TRUE(run(queue->extend(old.receipt, Millis{0})));
  EXPECT_THAT(bodies(receive(*queue, {.max = 2})), ElementsAre("old", "new"));
}

TEST_P(QueueContract, RemovingTwiceSucceeds) {
  auto queue = create("q");
  send(*queue, "a");
  const Message message = receive_one(*queue);
  EXPECT_TRUE(run(queue->remove(message.receipt)));
  EXPECT_TRUE(run(queue->remove(message.receipt)));
}

TEST_P(QueueContract, AReceiptOutlivesItsLeaseUntilSomeoneElseReceives) {
  auto queue = create("q");
  send(*queue, "a");
  const Message ended = receive_one(*queue, {.lease = Millis{0}});
  expect_counts(*queue, 1, 0, 0);
  EXPECT_TRUE(run(queue->remove(ended.receipt)));
  expect_counts(*queue, 0, 0, 0);
}

TEST_P(QueueContract, AStaleReceiptDoesNothing) {
  auto queue = create("q");
  send(*queue, "a");
  const Message first = receive_one(*queue, {.lease = Millis{0}});
  const Message second = receive_one(*queue);
  EXPECT_TRUE(run(queue->remove(first.receipt)));
  EXPECT_EQ(code_of(run(queue->extend(first.receipt, Millis{0}))), Code::kNotFound);
  expect_counts(*queue, 0, 1, 0);
  EXPECT_TRUE(run(queue->remove(second.receipt)));
  expect_counts(*queue, 0, 0, 0);
}

TEST_P(QueueContract, AReceiptOfAnotherQueueIsRefused) {
  auto queue = create("q");
  auto other = create("other");
  send(*queue, "a");
  send(*other, "b");
  const Message message = receive_one(*queue);
  EXPECT_EQ(code_of(run(other->remove(message.receipt))), Code::kInvalidInput);
  EXPECT_EQ(code_of(run(other->extend(message.receipt, Millis{0}))), Code::kInvalidInput);
  for (const std::string& garbage : {std::string("garbage"), std::string(), std::string(48, 'g'), std::string(48, '0'),
                                     message.receipt + "0", message.receipt.substr(1)})
    EXPECT_EQ(code_of(run(queue->remove(garbage))), Code::kInvalidInput) << garbage;
  expect_counts(*queue, 0, 1, 0);
  expect_counts(*other, 1, 0, 0);
}

TEST_P(QueueContract, ExtendingWhatIsGoneIsNotFound) {
  auto queue = create("q");
  send(*queue, "a");
  const Message message = receive_one(*queue);
  ASSERT_TRUE(run(queue->remove(message.receipt)));
  EXPECT_EQ(code_of(run(queue->extend(message.receipt, Millis{5'000}))), Code::kNotFound);
}

TEST_P(QueueContract, ExtendingAfterTheLeaseHasEndedHidesAgain) {
  auto queue = create("q");
  send(*queue, "a");
  const Message message = receive_one(*queue, {.lease = Millis{0}});
  ASSERT_TRUE(run(queue->extend(message.receipt, Millis{60'000})));
  expect_counts(*queue, 0, 1, 0);
  EXPECT_THAT(receive(*queue), IsEmpty());
}

TEST_P(QueueContract, AWaitingReceiveWakesAtASend) {
  auto queue = create("q");
  Background<Result<std::vector<Message>>> waiting(context(), queue->receive({.max = 10, .wait = kLong}));
  run_ready();
  EXPECT_FALSE(waiting.ended());
  send(*queue, "a");
  EXPECT_THAT(bodies(waiting.join().value().value()), ElementsAre("a"));  // at once: it does not wait to fill
}

TEST_P(QueueContract, AWaitingReceiveEndsEmpty) {
  auto queue = create("q");
  EXPECT_THAT(receive(*queue, {.wait = Millis{1'000}}), IsEmpty());
}

TEST_P(QueueContract, OneMessageWakesOneOfManyWaiters) {
  auto queue = create("q");
  using Waiting = Background<Result<std::vector<Message>>>;
  std::vector<std::unique_ptr<Waiting>> waiting;
  for (int i = 0; i < 5; ++i)
    waiting.push_back(std::make_unique<Waiting>(context(), queue->receive({.max = 10, .wait = Millis{1'000}})));
  send(*queue, "a");
  send(*queue, "b");
  std::vector<std::string> received;
  for (auto& each : waiting) {
    for (const Message& message : each->join().value().value()) received.push_back(message.body);
  }
  EXPECT_THAT(received, UnorderedElementsAre("a", "b"));
}

TEST_P(QueueContract, ACancelledReceiveLeasesNothing) {
  auto queue = create("q");
  Background<Result<std::vector<Message>>> waiting(context(), queue->receive({.wait = kLong}));
  run_ready();
  waiting.cancel();
  EXPECT_FALSE(waiting.join().has_value());
  send(*queue, "a");
  expect_counts(*queue, 1, 0, 0);
  EXPECT_EQ(receive_one(*queue).receive_count, 1U);
}

TEST_P(QueueContract, AMessageReceivedTooOftenGoesToTheDeadLetterQueue) {
  auto dead = create("dead");
  Attributes attributes;
  attributes.dead_letter_queue = "dead";
  attributes.receives_max = 2;
  auto queue = create("q", attributes);
  const std::string id = send(*queue, "poison");
  send(*queue, "good");
  for (std::uint32_t round = 1; round <= 2; ++round) {
    const Message poison = receive_one(*queue);
    EXPECT_EQ(poison.body, "poison");
    EXPECT_EQ(poison.receive_count, round);
    ASSERT_TRUE(run(queue->extend(poison.receipt, Millis{0})));
  }
  EXPECT_EQ(receive_one(*queue).body, "good");
  const Message buried = receive_one(*dead, {.wait = Millis{5'000}});
  EXPECT_EQ(buried.body, "poison");
  EXPECT_EQ(buried.id, id);
  expect_counts(*queue, 0, 1, 0);
  expect_counts(*dead, 0, 1, 0);
}

TEST_P(QueueContract, PurgeDeletesVisibleInFlightAndDelayed) {
  auto queue = create("q");
  auto other = create("other");
  send(*other, "stays");
  send(*queue, "leased");
  const Message leased = receive_one(*queue);
  send(*queue, "visible");
  send(*queue, "delayed", Millis{600'000});
  ASSERT_TRUE(run(queue->purge()));
  expect_counts(*queue, 0, 0, 0);
  EXPECT_TRUE(run(queue->remove(leased.receipt)));
  EXPECT_EQ(code_of(run(queue->extend(leased.receipt, Millis{0}))), Code::kNotFound);
  expect_counts(*other, 1, 0, 0);
  send(*queue, "after");
  EXPECT_EQ(receive_one(*queue).body, "after");
}

namespace contract {

// What producers and consumers of one test share.
struct Traffic {
  std::shared_ptr<Queue> queue;
  int to_send = 0;
  int removed_target = 0;
  std::set<std::string> sent;           // bodies that were acknowledged
  std::map<std::string, int> received;  // how often each was delivered
  std::set<std::string> removed;        // bodies whose removal was acknowledged
  std::vector<std::string> failures;
};

inline Task<> produce(std::shared_ptr<Traffic> traffic, int producer, int messages) {
  for (int i = 0; i < messages; ++i) {
    std::string body = std::to_string(producer) + "/" + std::to_string(i);
    Outgoing message{body, Millis{0}};
    const auto sent = co_await traffic->queue->send(std::move(message));
    if (sent)
      traffic->sent.insert(std::move(body));
    else
      traffic->failures.push_back(sent.error().message);
  }
}

inline Task<> consume(std::shared_ptr<Traffic> traffic) {
  while (static_cast<int>(traffic->removed.size()) < traffic->removed_target && traffic->failures.empty()) {
    Receive request{.max = 3, .wait = Millis{1'000}, .lease = {}, .consumer = {}};
    const auto messages = co_await traffic->queue->receive(std::move(request));
    if (!messages) {
      traffic->failures.push_back(messages.error().message);
      co_return;
    }
    for (const Message& message : *messages) {
      ++traffic->received[message.body];
      const auto removed = co_await traffic->queue->remove(message.receipt);
      if (!removed) traffic->failures.push_back(removed.error().message);
      traffic->removed.insert(message.body);
    }
  }
}

// In one turn of the I/O thread, as far as a backend counts without waiting.
inline Task<> count_and_cancel(std::shared_ptr<Queue> queue, Background<Result<std::vector<Message>>>& receiver) {
  const auto counts = co_await queue->counts();  // ends what has fallen due, and calls the waiter for it
  EXPECT_TRUE(counts);
  receiver.cancel();
}

}  // namespace contract

// Jepsen's total-queue rule: nothing lost, nothing unexpected; and, with leases that do not end, nothing twice.
TEST_P(QueueContract, ManyProducersAndConsumersLoseAndDoubleNothing) {
  constexpr int kProducers = 100;
  constexpr int kConsumers = 30;
  constexpr int kMessagesEach = 10;
  auto traffic = std::make_shared<contract::Traffic>();
  traffic->queue = create("q");
  traffic->removed_target = kProducers * kMessagesEach;
  int running = kProducers + kConsumers;
  const auto count_down = [&running](std::exception_ptr error) {
    EXPECT_EQ(error, nullptr);
    --running;
  };
  for (int i = 0; i < kConsumers; ++i) asio::co_spawn(context(), contract::consume(traffic), count_down);
  for (int i = 0; i < kProducers; ++i)
    asio::co_spawn(context(), contract::produce(traffic, i, kMessagesEach), count_down);
  context().restart();
  while (running > 0 && context().run_one() > 0) {
  }
  EXPECT_THAT(traffic->failures, IsEmpty());
  EXPECT_EQ(traffic->sent.size(), static_cast<std::size_t>(kProducers * kMessagesEach));
  EXPECT_EQ(traffic->removed, traffic->sent);
  for (const auto& [body, times] : traffic->received) EXPECT_EQ(times, 1) << body;
  expect_counts(*traffic->queue, 0, 0, 0);
}

class QueueTimeContract : public QueueFixture {
 protected:
  void advance(Millis by) { place_->clock()->advance(by); }
};

TEST_P(QueueTimeContract, CarriesAnyBytes) {
  auto queue = create("q");
  std::string body;
  for (int i = 0; i < 256; ++i) body += static_cast<char>(i);
  send(*queue, body);
  EXPECT_EQ(receive_one(*queue).body, body);
}

TEST_P(QueueTimeContract, ALeaseEndsToTheMillisecond) {
  auto queue = create("q");
  send(*queue, "a");
  receive_one(*queue, {.lease = Millis{500}});
  advance(Millis{499});
  expect_counts(*queue, 0, 1, 0);
  EXPECT_THAT(receive(*queue), IsEmpty());
  advance(Millis{1});
  expect_counts(*queue, 1, 0, 0);
  EXPECT_EQ(receive_one(*queue).receive_count, 2U);
}

TEST_P(QueueTimeContract, TheQueuesOwnLeaseHoldsWhereNoneIsGiven) {
  Attributes attributes;
  attributes.lease = Millis{2'000};
  auto queue = create("q", attributes);
  send(*queue, "a");
  receive_one(*queue);
  advance(Millis{1'999});
  expect_counts(*queue, 0, 1, 0);
  advance(Millis{1});
  expect_counts(*queue, 1, 0, 0);
}

TEST_P(QueueTimeContract, EndedLeasesReturnOldestFirst) {
  auto queue = create("q");
  for (const char* body : {"1", "2", "3", "4"}) send(*queue, body);
  receive_one(*queue, {.lease = Millis{300}});
  receive_one(*queue, {.lease = Millis{100}});
  receive_one(*queue, {.lease = Millis{200}});
  advance(Millis{300});
  EXPECT_THAT(bodies(receive(*queue, {.max = 10})), ElementsAre("1", "2", "3", "4"));
}

TEST_P(QueueTimeContract, ExtendCountsFromItsCall) {
  auto queue = create("q");
  send(*queue, "a");
  const Message message = receive_one(*queue, {.lease = Millis{1'000}});
  advance(Millis{900});
  ASSERT_TRUE(run(queue->extend(message.receipt, Millis{1'000})));
  advance(Millis{999});
  expect_counts(*queue, 0, 1, 0);
  advance(Millis{1});
  expect_counts(*queue, 1, 0, 0);
}

TEST_P(QueueTimeContract, AMessagesDelayAndTheQueuesOwn) {
  Attributes attributes;
  attributes.delay = Millis{1'000};
  auto queue = create("q", attributes);
  send(*queue, "default");
  send(*queue, "longer", Millis{3'000});
  expect_counts(*queue, 0, 0, 2);
  advance(Millis{999});
  EXPECT_THAT(receive(*queue, {.max = 10}), IsEmpty());
  advance(Millis{1});
  EXPECT_THAT(bodies(receive(*queue, {.max = 10})), ElementsAre("default"));
  advance(Millis{2'000});
  EXPECT_THAT(bodies(receive(*queue, {.max = 10})), ElementsAre("longer"));
}

TEST_P(QueueTimeContract, MessagesExpireInWhateverState) {
  Attributes attributes;
  attributes.retention = Millis{10'000};
  auto queue = create("q", attributes);
  send(*queue, "leased");
  send(*queue, "visible");
  const Message leased = receive_one(*queue);
  advance(Millis{5'000});
  send(*queue, "younger");
  advance(Millis{4'999});
  expect_counts(*queue, 2, 1, 0);
  advance(Millis{1});
  expect_counts(*queue, 1, 0, 0);
  EXPECT_TRUE(run(queue->remove(leased.receipt)));
  EXPECT_EQ(receive_one(*queue).body, "younger");
}

TEST_P(QueueTimeContract, TheOldestAgeIsThatOfTheOldestVisibleMessage) {
  auto queue = create("q");
  EXPECT_EQ(run(queue->counts()).value().oldest_age, Millis{0});
  send(*queue, "old");
  advance(Millis{700});
  send(*queue, "young");
  advance(Millis{50});
  EXPECT_EQ(run(queue->counts()).value().oldest_age, Millis{750});
  receive_one(*queue);
  EXPECT_EQ(run(queue->counts()).value().oldest_age, Millis{50});
}

TEST_P(QueueTimeContract, ADeadConsumersLeasesAreReleasedAtOnceInAllQueues) {
  auto first = create("first");
  auto second = create("second");
  for (const char* body : {"1", "2", "3"}) send(*first, body);
  send(*second, "4");
  receive(*first, {.max = 2, .consumer = "i-dead"});
  const Message alive = receive_one(*first, {.consumer = "i-alive"});
  receive_one(*second, {.consumer = "i-dead"});
  Background<Result<std::vector<Message>>> waiting(context(), first->receive({.max = 10, .wait = kLong}));
  run_ready();
  ASSERT_TRUE(run(queues().release("i-dead")));
  EXPECT_THAT(bodies(waiting.join().value().value()), ElementsAre("1", "2"));
  expect_counts(*second, 1, 0, 0);
  EXPECT_TRUE(run(first->remove(alive.receipt)));
  EXPECT_TRUE(run(queues().release("i-unknown")));
}

TEST_P(QueueTimeContract, ReleaseLeavesAloneWhatTheConsumerNoLongerHolds) {
  auto queue = create("q");
  send(*queue, "a");
  receive_one(*queue, {.lease = Millis{100}, .consumer = "i-slow"});
  advance(Millis{100});
  receive_one(*queue, {.consumer = "i-fast"});
  ASSERT_TRUE(run(queues().release("i-slow")));
  expect_counts(*queue, 0, 1, 0);
}

TEST_P(QueueTimeContract, WaitersAreServedInTheOrderOfTheirArrival) {
  auto queue = create("q");
  using Waiting = Background<Result<std::vector<Message>>>;
  std::vector<std::unique_ptr<Waiting>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::make_unique<Waiting>(context(), queue->receive({.wait = kLong})));
    run_ready();
  }
  waiting[1]->cancel();
  EXPECT_FALSE(waiting[1]->join().has_value());
  for (const char* body : {"a", "b", "c"}) send(*queue, body);
  EXPECT_THAT(bodies(waiting[0]->join().value().value()), ElementsAre("a"));
  EXPECT_THAT(bodies(waiting[2]->join().value().value()), ElementsAre("b"));
  EXPECT_THAT(bodies(waiting[3]->join().value().value()), ElementsAre("c"));
}

// The waiter has been called, and is cancelled before it could take what it was called for.
TEST_P(QueueTimeContract, AReceiveCancelledWhileItWakesPassesItsTurnOn) {
  auto queue = create("q");
  Background<Result<std::vector<Message>>> first(context(), queue->receive({.wait = kLong}));
  run_ready();
  Background<Result<std::vector<Message>>> second(context(), queue->receive({.wait = kLong}));
  run_ready();
  send(*queue, "a", Millis{100});
  advance(Millis{100});
  asio::co_spawn(context(), contract::count_and_cancel(queue, first), asio::detached);
  EXPECT_FALSE(first.join().has_value());
  EXPECT_EQ(second.join().value().value().at(0).receive_count, 1U);
}

TEST_P(QueueTimeContract, AWaitingReceiverReturnsWhenItsQueueIsRemoved) {
  auto queue = create("q");
  Background<Result<std::vector<Message>>> waiting(context(), queue->receive({.wait = kLong}));
  run_ready();
  ASSERT_TRUE(run(queues().remove("q")));
  EXPECT_EQ(code_of(waiting.join().value()), Code::kNotFound);
}

TEST_P(QueueTimeContract, ADeadMessageStaysWhereItIsWithoutADeadLetterQueue) {
  Attributes attributes;
  attributes.dead_letter_queue = "never-made";
  attributes.receives_max = 1;
  auto queue = create("q", attributes);
  send(*queue, "a");
  for (std::uint32_t round = 1; round <= 3; ++round)
    EXPECT_EQ(receive_one(*queue, {.lease = Millis{0}}).receive_count, round);
}

}  // namespace facefleet::queue
