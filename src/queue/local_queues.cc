#include "queue/local_queues.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <list>
#include <map>
#include <utility>

#include "base/limits.h"

namespace facefleet::queue {
namespace {

constexpr int kRunShift = 40;                   // a sequence is the run, then a counter: 2^24 runs of 2^40 messages
constexpr Millis kRetentionMax{1'209'600'000};  // SQS's 14 days

class LocalQueue;
using LocalQueuePtr = std::shared_ptr<LocalQueue>;

// What the queues of a place share.
struct Place {
  Executor executor;
  const Clock& clock;
  Random& random;
  Log log;
  std::unique_ptr<Journal> journal;
  std::uint32_t run = 0;
  Sequence last_sequence = 0;
  std::size_t memory_bytes = 0;
  std::map<std::string, LocalQueuePtr, std::less<>> queues;

  Now now() const { return {clock.now(), clock.wall_ms()}; }
};

Error invalid(std::string message) { return {Code::kInvalidInput, std::move(message), ""}; }
Error gone(const std::string& name) { return {Code::kNotFound, "there is no queue named " + name, "no_such_queue"}; }

bool within(Millis value, std::size_t max_ms) {
  return value >= Millis{0} && value <= Millis(static_cast<std::int64_t>(max_ms));
}

Result<void> check_name(std::string_view name) {
  constexpr auto kAllowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (name.empty() || name.size() > limits::kQueueNameBytes || !std::ranges::all_of(name, kAllowed))
    return invalid("a queue's name is 1 to 80 letters, digits, hyphens and underscores");
  return {};
}

Result<void> check(const Attributes& attributes) {
  if (!within(attributes.lease, limits::kQueueLeaseMs)) return invalid("a queue's lease is 0 to 12 hours");
  if (!within(attributes.delay, limits::kQueueDelayMs)) return invalid("a queue's delay is 0 to 15 minutes");
  if (!within(attributes.receive_wait, limits::kQueueWaitMs)) return invalid("a queue's wait is 0 to 20 seconds");
  if (attributes.retention <= Millis{0} || attributes.retention > kRetentionMax)
    return invalid("a queue's retention is more than nothing and at most 14 days");
  if (attributes.message_bytes_max == 0 || attributes.message_bytes_max > limits::kQueueMessageBytes)
    return invalid("a queue's longest message is 1 byte to 1 MiB");
  if (attributes.dead_letter_queue.empty()) {
    if (attributes.receives_max != 0) return invalid("receives_max needs a dead-letter queue");
    return {};
  }
  if (attributes.receives_max == 0) return invalid("a dead-letter queue needs receives_max of at least 1");
  return check_name(attributes.dead_letter_queue);
}

Result<void> check(const Receive& request) {
  if (request.max < 1 || request.max > limits::kQueueBatchEntries) return invalid("receive 1 to 10 messages at once");
  if (!within(request.wait, limits::kQueueWaitMs)) return invalid("wait 0 to 20 seconds");
  if (request.lease && !within(*request.lease, limits::kQueueLeaseMs)) return invalid("lease for 0 to 12 hours");
  return {};
}

class LocalQueue final : public Queue, public std::enable_shared_from_this<LocalQueue> {
 public:
  LocalQueue(std::shared_ptr<Place> place, QueueRecord record)
      : place_(std::move(place)),
        record_(std::move(record)),
        engine_(record_.number, place_->run, place_->memory_bytes),
        event_(place_->executor) {}

  const std::string& name() const override { return record_.name; }
  const QueueRecord& record() const { return record_; }

  Task<Result<std::string>> send(Outgoing message) override {
    std::vector<Outgoing> messages;
    messages.push_back(std::move(message));
    auto sent = co_await send_batch(std::move(messages));
    co_return std::move(sent.front());
  }

  Task<std::vector<Result<std::string>>> send_batch(std::vector<Outgoing> messages) override;
  Task<Result<std::vector<Message>>> receive(Receive request) override;

  Task<Result<void>> remove(std::string receipt) override {
    std::vector<std::string> receipts;
    receipts.push_back(std::move(receipt));
    auto removed = co_await remove_batch(std::move(receipts));
    co_return std::move(removed.front());
  }

  Task<std::vector<Result<void>>> remove_batch(std::vector<std::string> receipts) override;
  Task<Result<void>> extend(std::string receipt, Millis lease) override;
  Task<Result<void>> purge() override;

  Task<Result<Counts>> counts() override {
    if (closed_) co_return gone(name());
    settle();
    co_return engine_.counts(place_->now());
  }

  Task<Result<Attributes>> attributes() override {
    if (closed_) co_return gone(name());
    co_return record_.attributes;
  }

  Task<Result<void>> set_attributes(Attributes attributes) override;

  // For LocalQueues.
  Engine& engine() { return engine_; }
  void wake();                                        // after messages may have become visible
  void set_closed(bool closed) { closed_ = closed; }  // while it is being removed: everything answers kNotFound
  void close();                                       // once it is removed: its receivers return

 private:
  // A receiver that found nothing. On its coroutine's frame, which may be destroyed at any suspension.
  struct Waiter {
    explicit Waiter(LocalQueue& owner, bool first) : queue(owner), timer(owner.place_->executor) {
      at = queue.waiters_.insert(first ? queue.waiters_.begin() : queue.waiters_.end(), this);
    }
    ~Waiter() {
      if (called)
        --queue.called_;
      else
        queue.waiters_.erase(at);
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    LocalQueue& queue;
    asio::steady_timer timer;
    std::list<Waiter*>::iterator at;
    bool called = false;  // and thereby off the list
  };

  Result<RecordPtr> accept(Outgoing message, Now now);
  std::vector<Message> take(const Receive& request);
  void settle();
  void watch_events();
  static Task<> bury(LocalQueuePtr queue, RecordPtr record, LocalQueuePtr graveyard);

  const std::shared_ptr<Place> place_;
  QueueRecord record_;
  Engine engine_;
  bool closed_ = false;

  std::list<Waiter*> waiters_;         // oldest first
  std::size_t called_ = 0;             // that were told to look, and have not yet
  asio::steady_timer event_;           // runs while there are waiters
  std::optional<MonoTime> event_due_;  // what it is set for
};

Result<RecordPtr> LocalQueue::accept(Outgoing message, Now now) {
  if (message.body.empty()) return invalid("a message has at least one byte");
  if (message.body.size() > record_.attributes.message_bytes_max) {
    return invalid("a message of " + name() + " has at most " + std::to_string(record_.attributes.message_bytes_max) +
                   " bytes, this one has " + std::to_string(message.body.size()));
  }
  if (!within(message.delay, limits::kQueueDelayMs)) return invalid("a message's delay is 0 to 15 minutes");
  auto record = std::make_shared<Record>();
  record->body = std::move(message.body);
  record->extras = std::move(message.extras);
  if (place_->memory_bytes + record->memory_bytes() > limits::kQueueMemoryBytes)
    return Error{Code::kBusy, "the queues of this machine are full; receive some messages first", "queues_full"};
  record->sequence = ++place_->last_sequence;
  record->id = make_id(now.wall_ms, place_->random);
  record->sent_ms = now.wall_ms;
  const Millis delay = message.delay > Millis{0} || message.at_once ? message.delay : record_.attributes.delay;
  record->visible_ms = now.wall_ms + delay.count();
  place_->memory_bytes += record->memory_bytes();
  return RecordPtr(std::move(record));
}

Task<std::vector<Result<std::string>>> LocalQueue::send_batch(std::vector<Outgoing> messages) {
  const auto self = shared_from_this();
  std::vector<Result<std::string>> results;
  results.reserve(messages.size());
  std::vector<RecordPtr> records;
  records.reserve(messages.size());
  const Now now = place_->now();
  for (Outgoing& message : messages) {
    Result<RecordPtr> record = closed_ ? Result<RecordPtr>(gone(name())) : accept(std::move(message), now);
    if (record) {
      results.emplace_back((*record)->id);
      records.push_back(std::move(*record));
    } else {
      results.emplace_back(record.error());
    }
  }
  if (records.empty()) co_return results;

  Result<void> added = co_await place_->journal->add(record_.number, records);
  if (added && closed_) added = gone(name());
  if (added) {
    const Now then = place_->now();
    for (RecordPtr& record : records) engine_.add(std::move(record), then);
    wake();
  } else {
    for (const RecordPtr& record : records) place_->memory_bytes -= record->memory_bytes();
    for (Result<std::string>& result : results) {
      if (result) result = added.error();
    }
  }
  co_return results;
}

Task<Result<std::vector<Message>>> LocalQueue::receive(Receive request) {
  const auto self = shared_from_this();
  if (Result<void> checked = check(request); !checked) co_return checked.error();
  const MonoTime deadline = place_->clock.now() + request.wait;
  bool was_called = false;
  for (;;) {
    if (closed_) co_return gone(name());
    settle();
    std::vector<Message> messages = take(request);
    const MonoTime now = place_->clock.now();
    if (!messages.empty() || now >= deadline) co_return messages;

    {
      Waiter waiter(*this, was_called);  // one who was called in vain keeps its place
      watch_events();
      waiter.timer.expires_after(deadline - now);
      boost::system::error_code ignored;
      co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      was_called = waiter.called;
    }
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      wake();  // whoever is next, if this receiver had been called
      throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (!was_called && !closed_) co_return std::vector<Message>();
  }
}

std::vector<Message> LocalQueue::take(const Receive& request) {
  const auto& attributes = record_.attributes;
  const auto graveyard = place_->queues.find(attributes.dead_letter_queue);
  const bool buries = graveyard != place_->queues.end() && graveyard->second.get() != this;
  const Engine::Terms terms{.max = request.max,
                            .lease = request.lease.value_or(attributes.lease),
                            .consumer = request.consumer,
                            .receives_max = buries ? attributes.receives_max : 0};
  Engine::Taken taken = engine_.take(terms, place_->now());
  if (!taken.receives.empty()) place_->journal->note_receives(std::move(taken.receives));
  for (RecordPtr& record : taken.dead)
    asio::co_spawn(place_->executor, bury(shared_from_this(), std::move(record), graveyard->second), asio::detached);
  return std::move(taken.messages);
}

// Moves a message that was delivered too often to the dead-letter queue.
Task<> LocalQueue::bury(LocalQueuePtr queue, RecordPtr record, LocalQueuePtr graveyard) {
  const std::shared_ptr<Place> place = queue->place_;
  const Result<void> moved = co_await place->journal->move(record, graveyard->record_.number);
  if (moved && !graveyard->closed_) {
    place->log.warn("queue.dead_letter",
                    {{"queue", queue->name()}, {"to", graveyard->name()}, {"message", record->id}});
    place->memory_bytes += record->memory_bytes();
    graveyard->engine_.add(record, place->now());
    graveyard->wake();
  }
  queue->engine_.end_removal(record->sequence, moved.has_value());
  queue->wake();
}

Task<std::vector<Result<void>>> LocalQueue::remove_batch(std::vector<std::string> receipts) {
  const auto self = shared_from_this();
  std::vector<Result<void>> results;
  results.reserve(receipts.size());
  std::vector<Sequence> leaving;
  std::vector<bool> waits(receipts.size(), false);
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    const std::optional<Delivery> delivery = read_receipt(record_.number, receipts[i]);
    if (!delivery) {
      results.emplace_back(Error{Code::kInvalidInput, "this is not a receipt of " + name(), "invalid_receipt"});
      continue;
    }
    results.emplace_back();
    const Engine::Standing standing = engine_.standing(*delivery);
    if (standing == Engine::Standing::kGone || standing == Engine::Standing::kStale) continue;
    // One that is leaving already is written again, so that this caller too waits for the disk.
    engine_.begin_removal(delivery->sequence);
    leaving.push_back(delivery->sequence);
    waits[i] = true;
  }
  if (leaving.empty()) co_return results;

  const Result<void> removed = co_await place_->journal->remove(leaving);
  for (const Sequence sequence : leaving) engine_.end_removal(sequence, removed.has_value());
  if (!removed) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (waits[i]) results[i] = removed;
    }
    wake();
  }
  co_return results;
}

Task<Result<void>> LocalQueue::extend(std::string receipt, Millis lease) {
  const std::optional<Delivery> delivery = read_receipt(record_.number, receipt);
  if (!delivery) co_return Error{Code::kInvalidInput, "this is not a receipt of " + name(), "invalid_receipt"};
  if (!within(lease, limits::kQueueLeaseMs)) co_return invalid("lease for 0 to 12 hours");
  settle();
  if (engine_.standing(*delivery) != Engine::Standing::kCurrent)
    co_return Error{Code::kNotFound, "the message is gone, or someone else has it", "no_such_message"};
  const Now now = place_->now();
  const Millis lasted = std::chrono::floor<std::chrono::seconds>(engine_.held_for(delivery->sequence, now));
  if (!within(lasted + lease, limits::kQueueLeaseMs))
    co_return Error{Code::kInvalidInput, "a delivery's lease ends 12 hours after it at the latest", "lease_too_long"};
  engine_.extend(delivery->sequence, lease, now);
  wake();
  co_return Result<void>();
}

Task<Result<void>> LocalQueue::purge() {
  const auto self = shared_from_this();
  if (closed_) co_return gone(name());
  const Sequence through = place_->last_sequence;
  Result<void> purged = co_await place_->journal->purge(record_.number, through);
  if (purged) engine_.purge(through);
  co_return purged;
}

Task<Result<void>> LocalQueue::set_attributes(Attributes attributes) {
  const auto self = shared_from_this();
  if (closed_) co_return gone(name());
  if (Result<void> checked = check(attributes); !checked) co_return checked;
  QueueRecord changed = record_;
  changed.attributes = std::move(attributes);
  changed.attributes.created_ms = record_.attributes.created_ms;
  changed.attributes.modified_ms = place_->clock.wall_ms();
  Result<void> put = co_await place_->journal->put_queue(changed);
  if (put) record_ = std::move(changed);
  co_return put;
}

void LocalQueue::settle() {
  std::vector<Sequence> expired = engine_.settle(place_->now(), record_.attributes.retention);
  if (!expired.empty()) place_->journal->note_expired(std::move(expired));
  wake();
}

// Calls as many waiters as there are messages for. They take for themselves when they resume, so that
// one who is cancelled meanwhile has leased nothing.
void LocalQueue::wake() {
  while (!waiters_.empty() && called_ < engine_.visible()) {
    Waiter& waiter = *waiters_.front();
    waiters_.pop_front();
    waiter.called = true;
    ++called_;
    waiter.timer.cancel();
  }
  watch_events();
}

// While someone waits, a timer runs to the next moment at which a message becomes visible by itself.
void LocalQueue::watch_events() {
  const std::optional<MonoTime> next = waiters_.empty() ? std::nullopt : engine_.next_event();
  if (!next || (event_due_ && *event_due_ <= *next)) return;
  event_due_ = next;
  event_.expires_after(std::max(*next - place_->clock.now(), MonoTime::duration::zero()));
  event_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->event_due_.reset();
    self->settle();
  });
}

void LocalQueue::close() {
  closed_ = true;
  engine_.purge(place_->last_sequence);
  event_.cancel();
  while (!waiters_.empty()) {
    Waiter& waiter = *waiters_.front();
    waiters_.pop_front();
    waiter.called = true;
    ++called_;
    waiter.timer.cancel();
  }
}

class LocalQueues final : public Queues {
 public:
  explicit LocalQueues(std::shared_ptr<Place> place) : place_(std::move(place)) {}
  // Queues that callers still hold refer to the place, never to each other.
  ~LocalQueues() override { place_->queues.clear(); }

  Task<Result<std::shared_ptr<Queue>>> open(std::string name) override {
    const auto at = place_->queues.find(name);
    if (at == place_->queues.end()) co_return gone(name);
    co_return at->second;
  }

  Task<Result<std::shared_ptr<Queue>>> create(std::string name, Attributes attributes) override;

  Task<Result<std::vector<std::string>>> list(std::string prefix) override {
    std::vector<std::string> names;
    for (auto at = place_->queues.lower_bound(prefix); at != place_->queues.end() && at->first.starts_with(prefix);
         ++at)
      names.push_back(at->first);
    co_return names;
  }

  Task<Result<void>> remove(std::string name) override;

  Task<Result<void>> release(std::string consumer) override {
    for (const auto& [name, queue] : place_->queues) {
      queue->engine().release(consumer);
      queue->wake();
    }
    co_return Result<void>();
  }

 private:
  const std::shared_ptr<Place> place_;
};

Task<Result<std::shared_ptr<Queue>>> LocalQueues::create(std::string name, Attributes attributes) {
  if (Result<void> checked = check_name(name); !checked) co_return checked.error();
  if (Result<void> checked = check(attributes); !checked) co_return checked.error();
  auto at = place_->queues.find(name);
  const bool fresh = at == place_->queues.end();
  if (fresh) {
    attributes.created_ms = attributes.modified_ms = place_->clock.wall_ms();
    QueueRecord record{place_->random.next(), name, std::move(attributes)};
    at = place_->queues.emplace(name, std::make_shared<LocalQueue>(place_, std::move(record))).first;
  } else {
    const Attributes& existing = at->second->record().attributes;
    attributes.created_ms = existing.created_ms;
    attributes.modified_ms = existing.modified_ms;
    if (attributes != existing) {
      co_return Error{Code::kConflict, "there is a queue named " + name + " with other attributes", "queue_exists"};
    }
  }
  // Written again where it exists: its first creator may still be waiting for the disk.
  const LocalQueuePtr queue = at->second;
  const QueueRecord record = queue->record();
  const Result<void> put = co_await place_->journal->put_queue(record);
  if (put) co_return queue;
  if (fresh) {
    place_->queues.erase(name);
    queue->close();
  }
  co_return put.error();
}

Task<Result<void>> LocalQueues::remove(std::string name) {
  const auto at = place_->queues.find(name);
  if (at == place_->queues.end()) co_return gone(name);
  const LocalQueuePtr queue = at->second;
  place_->queues.erase(at);
  queue->set_closed(true);
  const Result<void> dropped = co_await place_->journal->drop_queue(queue->record().number);
  if (dropped) {
    queue->close();
  } else {
    queue->set_closed(false);
    place_->queues.emplace(name, queue);
  }
  co_return dropped;
}

}  // namespace

std::unique_ptr<Queues> open_local_queues(const Executor& executor, const Clock& clock, Random& random, Log log,
                                          std::unique_ptr<Journal> journal, std::uint32_t run,
                                          std::vector<StoredQueue> stored) {
  auto place = std::make_shared<Place>(Place{executor,
                                             clock,
                                             random,
                                             std::move(log),
                                             std::move(journal),
                                             run,
                                             static_cast<Sequence>(run) << kRunShift,
                                             0,
                                             {}});
  const Now now = place->now();
  for (StoredQueue& each : stored) {
    const std::string name = each.record.name;
    const auto queue = std::make_shared<LocalQueue>(place, std::move(each.record));
    for (StoredMessage& message : each.messages) {
      place->memory_bytes += message.record->memory_bytes();
      queue->engine().restore(std::move(message.record), message.receives, now);
    }
    place->queues.emplace(name, queue);
  }
  return std::make_unique<LocalQueues>(std::move(place));
}

}  // namespace facefleet::queue
