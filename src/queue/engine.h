// The state of one queue's messages, in memory: who is visible, leased, delayed, and since when. Pure:
// no coroutine, no disk, and time is an argument. What waits, wakes and writes is local_queues.h.
//
// A message is in one of four states:
//
//     delayed --time--> visible --take--> leased --begin_removal--> leaving --end_removal--> gone
//                          ^ \______________|_________________________^ |
//                          |__ lease's end, extend(0), release _________| removal failed
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "queue/queue.h"
#include "queue/receipt.h"

namespace facefleet::queue {

// Orders the messages of all queues of a place by age, and names them; never used twice.
using Sequence = std::uint64_t;

// What of a message never changes. Shared with the thread that writes it to disk.
struct Record {
  Sequence sequence = 0;
  std::string id;
  Bytes body;
  std::int64_t sent_ms = 0;     // wall clock
  std::int64_t visible_ms = 0;  // wall clock; sent_ms plus its delay
  Bytes extras = {};            // Outgoing::extras

  // What it counts for against kQueueMemoryBytes: its body and, roughly, its nodes in the engine.
  std::size_t memory_bytes() const { return body.size() + extras.size() + 512; }
};
using RecordPtr = std::shared_ptr<const Record>;

struct Now {
  MonoTime mono;
  std::int64_t wall_ms = 0;
};

// How often a message has been delivered, for the journal.
struct Receives {
  Sequence sequence = 0;
  std::uint32_t count = 0;
  std::int64_t first_received_ms = 0;
};

class Engine {
 public:
  // `queue` is the number that receipts carry, `run` that of this process. `memory_bytes` is shared by
  // all engines of a place: whoever makes a Record adds its memory_bytes(); the engine takes them off
  // when it forgets the message.
  Engine(std::uint64_t queue, std::uint32_t run, std::size_t& memory_bytes);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Applies the passing of time: ends leases and delays, and forgets messages older than `retention`,
  // whose sequences it returns. To be called before any other call that is made at a later time.
  std::vector<Sequence> settle(Now now, Millis retention);

  // The earliest moment at which settle() could make a message visible.
  std::optional<MonoTime> next_event() const;

  void add(RecordPtr record, Now now);
  // As add, for a message that was delivered before.
  void restore(RecordPtr record, Receives receives, Now now);

  struct Terms {
    std::uint32_t max = 1;
    Millis lease{0};
    std::string_view consumer;
    std::uint32_t receives_max = 0;  // a message delivered so often is dead; 0: none ever is
  };
  struct Taken {
    std::vector<Message> messages;
    std::vector<Receives> receives;  // of `messages`
    std::vector<RecordPtr> dead;     // now leaving; end_removal() is due for each
  };
  // Leases up to `max` of the oldest visible messages.
  Taken take(const Terms& terms, Now now);

  enum class Standing {
    kCurrent,  // the delivery is the message's latest
    kStale,    // the message has been delivered since
    kLeaving,  // its removal is under way
    kGone,
  };
  Standing standing(const Delivery& delivery) const;

  // Hides a message while its removal is made durable. end_removal() forgets it, or makes it visible
  // again where `removed` is false. No-ops if the message is gone.
  void begin_removal(Sequence sequence);
  void end_removal(Sequence sequence, bool removed);

  // The message's lease now ends at now + lease. It must be in the engine and not leaving.
  void extend(Sequence sequence, Millis lease, Now now);
  // How long ago the message was last delivered, or loaded. It must be in the engine.
  Millis held_for(Sequence sequence, Now now) const;

  void release(const std::string& consumer);

  // Forgets every message up to and including `through`.
  void purge(Sequence through);

  Counts counts(Now now) const;
  bool has_visible() const { return !visible_.empty(); }
  std::size_t visible() const { return visible_.size(); }

 private:
  enum class State : std::uint8_t { kDelayed, kVisible, kLeased, kLeaving };

  struct Entry {
    RecordPtr record;
    State state = State::kVisible;
    std::uint32_t run = 0;  // in which it was last delivered; 0: not since this process loaded it
    std::uint32_t receive_count = 0;
    std::int64_t first_received_ms = 0;
    MonoTime until;        // of the delay or lease
    MonoTime taken = {};   // when it was last delivered, or loaded
    std::string consumer;  // who has or last had it
  };
  using Entries = std::map<Sequence, Entry>;
  using Schedule = std::set<std::pair<MonoTime, Sequence>>;

  void insert(Entry entry, Now now);
  void leave_state(Sequence sequence, Entry& entry);
  void enter_state(Sequence sequence, Entry& entry, State state);
  void end_due(Schedule& schedule, MonoTime now);
  Entries::iterator forget(Entries::iterator at);
  Message deliver(Entry& entry, const Terms& terms, Now now);

  const std::uint64_t queue_;
  const std::uint32_t run_;
  std::size_t& memory_bytes_;

  Entries entries_;
  // Each entry is in the one of these that its state names.
  std::set<Sequence> visible_;
  Schedule leased_;
  Schedule delayed_;
  std::size_t leaving_ = 0;
  std::unordered_map<std::string, std::set<Sequence>> leased_by_;  // by consumer, the leased ones
};

}  // namespace facefleet::queue
