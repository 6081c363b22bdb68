#include "queue/engine.h"

#include <algorithm>
#include <utility>

namespace facefleet::queue {

Engine::Engine(std::uint64_t queue, std::uint32_t run, std::size_t& memory_bytes)
    : queue_(queue), run_(run), memory_bytes_(memory_bytes) {}

Engine::~Engine() {
  for (const auto& [sequence, entry] : entries_) memory_bytes_ -= entry.record->memory_bytes();
}

std::vector<Sequence> Engine::settle(Now now, Millis retention) {
  end_due(delayed_, now.mono);
  end_due(leased_, now.mono);
  // Sequences are given in the order of sending, so the oldest message is the first.
  std::vector<Sequence> expired;
  auto at = entries_.begin();
  while (at != entries_.end() && at->second.record->sent_ms + retention.count() <= now.wall_ms &&
         at->second.state != State::kLeaving) {
    expired.push_back(at->first);
    at = forget(at);
  }
  return expired;
}

std::optional<MonoTime> Engine::next_event() const {
  std::optional<MonoTime> next;
  if (!delayed_.empty()) next = delayed_.begin()->first;
  if (!leased_.empty()) next = next ? std::min(*next, leased_.begin()->first) : leased_.begin()->first;
  return next;
}

void Engine::add(RecordPtr record, Now now) { insert({.record = std::move(record), .until = {}, .consumer = {}}, now); }

void Engine::restore(RecordPtr record, Receives receives, Now now) {
  insert({.record = std::move(record),
          .receive_count = receives.count,
          .first_received_ms = receives.first_received_ms,
          .until = {},
          .consumer = {}},
         now);
}

void Engine::insert(Entry entry, Now now) {
  const Sequence sequence = entry.record->sequence;
  const std::int64_t delay_ms = entry.record->visible_ms - now.wall_ms;
  entry.until = now.mono + Millis(delay_ms);
  entry.taken = now.mono;
  const auto [at, inserted] = entries_.emplace(sequence, std::move(entry));
  if (inserted) enter_state(sequence, at->second, delay_ms > 0 ? State::kDelayed : State::kVisible);
}

Engine::Taken Engine::take(const Terms& terms, Now now) {
  Taken taken;
  while (taken.messages.size() < terms.max && !visible_.empty()) {
    const Sequence sequence = *visible_.begin();
    Entry& entry = entries_.find(sequence)->second;
    if (terms.receives_max > 0 && entry.receive_count >= terms.receives_max) {
      taken.dead.push_back(entry.record);
      begin_removal(sequence);
      continue;
    }
    taken.messages.push_back(deliver(entry, terms, now));
    taken.receives.push_back({sequence, entry.receive_count, entry.first_received_ms});
  }
  // A lease of no time hides nothing, but only once this call is over: it must not deliver twice.
  if (terms.lease <= Millis{0}) end_due(leased_, now.mono);
  return taken;
}

Message Engine::deliver(Entry& entry, const Terms& terms, Now now) {
  const Record& record = *entry.record;
  leave_state(record.sequence, entry);
  entry.run = run_;
  ++entry.receive_count;
  if (entry.first_received_ms == 0) entry.first_received_ms = now.wall_ms;
  entry.until = now.mono + terms.lease;
  entry.taken = now.mono;
  entry.consumer = terms.consumer;
  enter_state(record.sequence, entry, State::kLeased);

  Message message;
  message.id = record.id;
  message.body = record.body;
  message.receipt =
      write_receipt(queue_, {.sequence = record.sequence, .run = entry.run, .number = entry.receive_count});
  message.receive_count = entry.receive_count;
  message.sent_ms = record.sent_ms;
  message.first_received_ms = entry.first_received_ms;
  message.extras = record.extras;
  return message;
}

Engine::Standing Engine::standing(const Delivery& delivery) const {
  const auto at = entries_.find(delivery.sequence);
  if (at == entries_.end()) return Standing::kGone;
  const Entry& entry = at->second;
  // Before a crash there may have been deliveries that were not recorded, but none before those that were.
  const bool current = entry.run == 0 ? delivery.run != run_ && delivery.number >= entry.receive_count
                                      : delivery.run == entry.run && delivery.number == entry.receive_count;
  if (!current) return Standing::kStale;
  return entry.state == State::kLeaving ? Standing::kLeaving : Standing::kCurrent;
}

void Engine::begin_removal(Sequence sequence) {
  const auto at = entries_.find(sequence);
  if (at == entries_.end() || at->second.state == State::kLeaving) return;
  leave_state(sequence, at->second);
  enter_state(sequence, at->second, State::kLeaving);
}

void Engine::end_removal(Sequence sequence, bool removed) {
  const auto at = entries_.find(sequence);
  if (at == entries_.end() || at->second.state != State::kLeaving) return;
  if (removed) {
    forget(at);
    return;
  }
  leave_state(sequence, at->second);
  enter_state(sequence, at->second, State::kVisible);
}

void Engine::extend(Sequence sequence, Millis lease, Now now) {
  Entry& entry = entries_.find(sequence)->second;
  leave_state(sequence, entry);
  entry.until = now.mono + lease;
  enter_state(sequence, entry, lease > Millis{0} ? State::kLeased : State::kVisible);
}

Millis Engine::held_for(Sequence sequence, Now now) const {
  return std::chrono::duration_cast<Millis>(now.mono - entries_.find(sequence)->second.taken);
}

void Engine::release(const std::string& consumer) {
  const auto leases = leased_by_.find(consumer);
  if (leases == leased_by_.end()) return;
  for (const Sequence sequence : std::set<Sequence>(leases->second)) {
    Entry& entry = entries_.find(sequence)->second;
    leave_state(sequence, entry);
    enter_state(sequence, entry, State::kVisible);
  }
}

void Engine::purge(Sequence through) {
  auto at = entries_.begin();
  while (at != entries_.end() && at->first <= through) at = forget(at);
}

Counts Engine::counts(Now now) const {
  Counts counts;
  counts.visible = visible_.size();
  counts.in_flight = leased_.size() + leaving_;
  counts.delayed = delayed_.size();
  if (!visible_.empty()) {
    const std::int64_t sent_ms = entries_.find(*visible_.begin())->second.record->sent_ms;
    counts.oldest_age = Millis(std::max<std::int64_t>(now.wall_ms - sent_ms, 0));
  }
  return counts;
}

void Engine::end_due(Schedule& schedule, MonoTime now) {
  while (!schedule.empty() && schedule.begin()->first <= now) {
    const Sequence sequence = schedule.begin()->second;
    Entry& entry = entries_.find(sequence)->second;
    leave_state(sequence, entry);
    enter_state(sequence, entry, State::kVisible);
  }
}

void Engine::enter_state(Sequence sequence, Entry& entry, State state) {
  entry.state = state;
  switch (state) {
    case State::kVisible: visible_.insert(sequence); break;
    case State::kDelayed: delayed_.emplace(entry.until, sequence); break;
    case State::kLeaving: ++leaving_; break;
    case State::kLeased:
      leased_.emplace(entry.until, sequence);
      if (!entry.consumer.empty()) leased_by_[entry.consumer].insert(sequence);
      break;
  }
}

void Engine::leave_state(Sequence sequence, Entry& entry) {
  switch (entry.state) {
    case State::kVisible: visible_.erase(sequence); break;
    case State::kDelayed: delayed_.erase({entry.until, sequence}); break;
    case State::kLeaving: --leaving_; break;
    case State::kLeased: {
      leased_.erase({entry.until, sequence});
      const auto leases = leased_by_.find(entry.consumer);
      if (leases == leased_by_.end()) break;
      leases->second.erase(sequence);
      if (leases->second.empty()) leased_by_.erase(leases);
      break;
    }
  }
}

Engine::Entries::iterator Engine::forget(Entries::iterator at) {
  leave_state(at->first, at->second);
  memory_bytes_ -= at->second.record->memory_bytes();
  return entries_.erase(at);
}

}  // namespace facefleet::queue
