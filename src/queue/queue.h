// A Queue hands each message to one consumer at a time and forgets it only when that consumer says
// so. Delivery is at least once, oldest first as a rule, unordered by promise. Bodies are opaque.
//
// Every backend passes queue_contract.h; a promise made here is tested there.
// Thread rule: base/task.h (the I/O thread). Backends: backends/{memory,durable,sqs}.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::queue {

struct Outgoing {
  Bytes body;
  Millis delay{0};       // 0 to 15 minutes; added to nothing: 0 means the queue's own default delay
  Bytes extras = {};     // what a door keeps beside the body (SQS's message attributes); the sqs backend carries none
  bool at_once = false;  // a delay of 0 is meant, whatever the queue's own
};

struct Message {
  std::string id;
  Bytes body;
  std::string receipt;  // names this one delivery; needed to remove the message or extend its lease
  std::uint32_t receive_count = 0;
  std::int64_t sent_ms = 0;            // wall clock
  std::int64_t first_received_ms = 0;  // wall clock
  Bytes extras;                        // as they were sent
};

struct Receive {
  std::uint32_t max = 1;             // 1 to 10
  Millis wait{0};                    // 0 to 20 s: how long to wait for the first message
  std::optional<Millis> lease = {};  // 0 to 12 h; the queue's own where absent
  std::string consumer = {};         // who asks, e.g. an instance id; see Queues::release. May be empty.
};

// Exact in the memory and durable backends; SQS's own approximation behind the sqs one.
struct Counts {
  std::uint64_t visible = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
  Millis oldest_age{0};  // of the oldest visible message; 0 where unknown or none
};

struct Attributes {
  Millis lease{30'000};
  Millis delay{0};
  Millis receive_wait{0};
  Millis retention{345'600'000};
  std::uint32_t message_bytes_max = 1'048'576;
  std::string dead_letter_queue;   // a name; empty: none
  std::uint32_t receives_max = 0;  // deliveries after which a message goes to dead_letter_queue
  std::int64_t created_ms = 0;
  std::int64_t modified_ms = 0;
  std::map<std::string, std::string> kept = {};  // tags and the like, which a door keeps and no queue acts on
  bool operator==(const Attributes&) const = default;
};

class Queue {
 public:
  virtual ~Queue() = default;

  virtual const std::string& name() const = 0;

  // Returns the message's id once the message would survive a crash (memory: once it is queued).
  // kInvalidInput: empty or longer than message_bytes_max. kBusy: kQueueMemoryBytes reached.
  virtual Task<Result<std::string>> send(Outgoing message) = 0;

  // As send, for 1 to 10 messages; each succeeds or fails by itself, in the order given.
  virtual Task<std::vector<Result<std::string>>> send_batch(std::vector<Outgoing> messages) = 0;

  // Leases up to `max` visible messages: they are hidden from other consumers until the lease ends.
  // Returns as soon as there is one (never waits to fill), or empty after `wait`. Wakes within a
  // millisecond of a send, of a lease's or a delay's end. A receive that is cancelled (Asio's
  // per-operation cancellation) leases nothing and counts nothing.
  // The delivery may precede the fsync that records it: after a crash the message is delivered again.
  virtual Task<Result<std::vector<Message>>> receive(Receive request) = 0;

  // Deletes what the receipt names, durably. Succeeds if it is gone already, and after the lease has
  // ended as long as nobody else has received it since; a stale receipt deletes nothing.
  // kInvalidInput: not a receipt of this queue.
  virtual Task<Result<void>> remove(std::string receipt) = 0;
  virtual Task<std::vector<Result<void>>> remove_batch(std::vector<std::string> receipts) = 0;

  // The lease now ends `lease` from this call; 0 makes the message visible at once.
  // kNotFound if the message is gone or another consumer has it. kInvalidInput: not a receipt of this queue, or,
  // with reason `lease_too_long`, more than 12 hours from the delivery.
  virtual Task<Result<void>> extend(std::string receipt, Millis lease) = 0;

  // Deletes all messages: visible, in flight and delayed.
  virtual Task<Result<void>> purge() = 0;

  virtual Task<Result<Counts>> counts() = 0;
  virtual Task<Result<Attributes>> attributes() = 0;
  virtual Task<Result<void>> set_attributes(Attributes attributes) = 0;
};

// The queues of one place: an account and region of SQS, or a data folder.
class Queues {
 public:
  virtual ~Queues() = default;

  // kNotFound if there is none of that name.
  virtual Task<Result<std::shared_ptr<Queue>>> open(std::string name) = 0;

  // Idempotent for equal attributes (created_ms and modified_ms aside), else kConflict.
  // Names: 1 to 80 of [A-Za-z0-9_-]; else kInvalidInput.
  virtual Task<Result<std::shared_ptr<Queue>>> create(std::string name, Attributes attributes) = 0;

  virtual Task<Result<std::vector<std::string>>> list(std::string prefix) = 0;  // sorted
  virtual Task<Result<void>> remove(std::string name) = 0;

  // Makes every message that `consumer` has leased visible at once, in all queues: for when the
  // consumer is known to be dead. The sqs backend cannot know; there it does nothing.
  virtual Task<Result<void>> release(std::string consumer) = 0;
};

}  // namespace facefleet::queue
