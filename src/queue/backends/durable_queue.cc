#include "queue/backends/durable_queue.h"

#include <unordered_map>
#include <utility>

#include "queue/backends/kept.h"
#include "queue/local_queues.h"

namespace facefleet::queue {
namespace {

// A message's receive count lies apart from it, so that a delivery does not rewrite the body.
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS queue_runs (id INTEGER PRIMARY KEY CHECK (id = 1), run INTEGER NOT NULL);
  INSERT OR IGNORE INTO queue_runs VALUES (1, 0);
  UPDATE queue_runs SET run = run + 1;
  CREATE TABLE IF NOT EXISTS queues (
    number INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, lease_ms INTEGER NOT NULL, delay_ms INTEGER NOT NULL,
    receive_wait_ms INTEGER NOT NULL, retention_ms INTEGER NOT NULL, message_bytes_max INTEGER NOT NULL,
    dead_letter_queue BLOB NOT NULL, receives_max INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL, checksum INTEGER NOT NULL, kept BLOB NOT NULL DEFAULT x'');
  CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY, queue INTEGER NOT NULL, id BLOB NOT NULL, sent_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL, extras BLOB NOT NULL DEFAULT x'');
  CREATE TABLE IF NOT EXISTS receives (
    sequence INTEGER PRIMARY KEY, count INTEGER NOT NULL, first_received_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL);
)";

// Adds what a table of format 1 (base/database.h) lacks; its rows then have the default. `known` gives the columns'
// names.
Result<void> add_column(Connection& connection, std::string_view known, std::string_view column,
                        const std::string& change) {
  {
    Rows rows = connection.query(known);
    while (rows.next()) {
      if (rows.bytes(0) == column) return {};
    }
    if (!rows.status()) return rows.status();
  }
  return connection.run_script(change);
}

Result<void> prepare(Connection& connection) {
  if (auto made = connection.run_script(kSchema); !made) return made;
  auto added = add_column(connection, "SELECT name FROM pragma_table_info('queues')", "kept",
                          "ALTER TABLE queues ADD COLUMN kept BLOB NOT NULL DEFAULT x''");
  if (!added) return added;
  return add_column(connection, "SELECT name FROM pragma_table_info('messages')", "extras",
                    "ALTER TABLE messages ADD COLUMN extras BLOB NOT NULL DEFAULT x''");
}

// SQLite's integers are signed; the bits are kept.
std::int64_t as_signed(std::uint64_t number) { return static_cast<std::int64_t>(number); }
std::uint64_t as_unsigned(std::int64_t number) { return static_cast<std::uint64_t>(number); }

// Rows of format 1 have no extras, and their checksums none of them.
std::int64_t checksum_of(std::uint64_t queue, const Record& record) {
  if (record.extras.empty())
    return row_checksum(
        {as_signed(record.sequence), as_signed(queue), record.id, record.sent_ms, record.visible_ms, record.body});
  return row_checksum({as_signed(record.sequence), as_signed(queue), record.id, record.sent_ms, record.visible_ms,
                       record.body, record.extras});
}

std::int64_t checksum_of(const Receives& receives) {
  return row_checksum({as_signed(receives.sequence), std::int64_t{receives.count}, receives.first_received_ms});
}

std::int64_t checksum_of(const QueueRecord& queue) {
  const Attributes& a = queue.attributes;
  const Bytes kept = encode_kept(a.kept);
  const std::int64_t sum =
      row_checksum({as_signed(queue.number), queue.name, a.lease.count(), a.delay.count(), a.receive_wait.count(),
                    a.retention.count(), std::int64_t{a.message_bytes_max}, a.dead_letter_queue,
                    std::int64_t{a.receives_max}, a.created_ms, a.modified_ms});
  return kept.empty() ? sum : row_checksum({sum, kept});
}

Result<void> put_queue(Connection& connection, const QueueRecord& queue) {
  const Attributes& a = queue.attributes;
  const Bytes kept = encode_kept(a.kept);
  return connection.run("INSERT OR REPLACE INTO queues VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                        {as_signed(queue.number), queue.name, a.lease.count(), a.delay.count(), a.receive_wait.count(),
                         a.retention.count(), std::int64_t{a.message_bytes_max}, a.dead_letter_queue,
                         std::int64_t{a.receives_max}, a.created_ms, a.modified_ms, checksum_of(queue), kept});
}

Result<void> add(Connection& connection, std::uint64_t queue, const Record& record) {
  return connection.run("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                        {as_signed(record.sequence), as_signed(queue), record.id, record.sent_ms, record.visible_ms,
                         checksum_of(queue, record), record.body, record.extras});
}

Result<void> forget(Connection& connection, const std::vector<Sequence>& messages) {
  for (const Sequence sequence : messages) {
    auto done = connection.run("DELETE FROM messages WHERE sequence = ?1", {as_signed(sequence)});
    if (done) done = connection.run("DELETE FROM receives WHERE sequence = ?1", {as_signed(sequence)});
    if (!done) return done;
  }
  return {};
}

Result<void> purge(Connection& connection, std::uint64_t queue, std::int64_t through) {
  auto done = connection.run(
      "DELETE FROM receives WHERE sequence IN (SELECT sequence FROM messages WHERE queue = ?1 AND sequence <= ?2)",
      {as_signed(queue), through});
  if (!done) return done;
  return connection.run("DELETE FROM messages WHERE queue = ?1 AND sequence <= ?2", {as_signed(queue), through});
}

Result<void> move(Connection& connection, const Record& record, std::uint64_t to) {
  auto done = connection.run(
      "UPDATE messages SET queue = ?2, checksum = ?3 WHERE sequence = ?1 AND EXISTS "
      "(SELECT 1 FROM queues WHERE number = ?2)",
      {as_signed(record.sequence), as_signed(to), checksum_of(to, record)});
  if (!done) return done;
  if (connection.changed_rows() == 0) return Error{Code::kNotFound, "the dead-letter queue is gone", ""};
  return connection.run("DELETE FROM receives WHERE sequence = ?1", {as_signed(record.sequence)});
}

class SqliteJournal final : public Journal {
 public:
  explicit SqliteJournal(Database& database) : database_(database) {}

  Task<Result<void>> put_queue(QueueRecord queue) override {
    return database_.commit(
        [queue = std::move(queue)](Connection& connection) { return queue::put_queue(connection, queue); });
  }

  Task<Result<void>> drop_queue(std::uint64_t queue) override {
    return database_.commit([queue](Connection& connection) {
      auto done = queue::purge(connection, queue, INT64_MAX);
      if (!done) return done;
      return connection.run("DELETE FROM queues WHERE number = ?1", {as_signed(queue)});
    });
  }

  Task<Result<void>> add(std::uint64_t queue, std::vector<RecordPtr> records) override {
    return database_.commit([queue, records = std::move(records)](Connection& connection) -> Result<void> {
      for (const RecordPtr& record : records) {
        if (auto added = queue::add(connection, queue, *record); !added) return added;
      }
      return {};
    });
  }

  Task<Result<void>> remove(std::vector<Sequence> messages) override {
    return database_.commit(
        [messages = std::move(messages)](Connection& connection) { return forget(connection, messages); });
  }

  Task<Result<void>> purge(std::uint64_t queue, Sequence through) override {
    return database_.commit(
        [queue, through](Connection& connection) { return queue::purge(connection, queue, as_signed(through)); });
  }

  Task<Result<void>> move(RecordPtr record, std::uint64_t to) override {
    return database_.commit(
        [record = std::move(record), to](Connection& connection) { return queue::move(connection, *record, to); });
  }

  void note_receives(std::vector<Receives> receives) override {
    database_.ride_along([receives = std::move(receives)](Connection& connection) -> Result<void> {
      for (const Receives& each : receives) {
        // Only while the message is there: a purge may have overtaken its delivery.
        auto noted = connection.run(
            "INSERT OR REPLACE INTO receives SELECT sequence, ?2, ?3, ?4 FROM messages WHERE sequence = ?1",
            {as_signed(each.sequence), std::int64_t{each.count}, each.first_received_ms, checksum_of(each)});
        if (!noted) return noted;
      }
      return {};
    });
  }

  void note_expired(std::vector<Sequence> messages) override {
    database_.ride_along(
        [messages = std::move(messages)](Connection& connection) { return forget(connection, messages); });
  }

 private:
  Database& database_;
};

using Stored = std::unordered_map<std::uint64_t, StoredQueue>;  // by the queue's number

void report_corrupt(const Log& log, std::string_view table, std::int64_t row) {
  log.error("queue.record_corrupt", {{"table", table}, {"row", row}, {"action", "left out; the others are served"}});
}

Result<void> load_queues(Connection& connection, const Log& log, Stored& stored) {
  Rows rows = connection.query("SELECT * FROM queues");
  while (rows.next()) {
    QueueRecord queue;
    queue.number = as_unsigned(rows.integer(0));
    queue.name = rows.bytes(1);
    Attributes& a = queue.attributes;
    a.lease = Millis(rows.integer(2));
    a.delay = Millis(rows.integer(3));
    a.receive_wait = Millis(rows.integer(4));
    a.retention = Millis(rows.integer(5));
    a.message_bytes_max = static_cast<std::uint32_t>(rows.integer(6));
    a.dead_letter_queue = rows.bytes(7);
    a.receives_max = static_cast<std::uint32_t>(rows.integer(8));
    a.created_ms = rows.integer(9);
    a.modified_ms = rows.integer(10);
    a.kept = decode_kept(rows.bytes(12)).value_or(std::map<std::string, std::string>());
    // A queue whose attributes are damaged would hide its messages: they are worth more than a setting.
    if (checksum_of(queue) != rows.integer(11)) report_corrupt(log, "queues", rows.integer(0));
    const std::uint64_t number = queue.number;
    stored.emplace(number, StoredQueue{std::move(queue), {}});
  }
  return rows.status();
}

using Deliveries = std::unordered_map<std::int64_t, Receives>;  // by the message's sequence, as SQLite has it

constexpr std::string_view kAllReceives = "SELECT sequence, count, first_received_ms, checksum FROM receives";
constexpr std::string_view kMessagesUp =
    "SELECT sequence, queue, id, sent_ms, visible_ms, checksum, body, extras FROM messages WHERE sequence > ?1 "
    "ORDER BY sequence";
constexpr std::string_view kMessagesDown =
    "SELECT sequence, queue, id, sent_ms, visible_ms, checksum, body, extras FROM messages WHERE sequence > ?1 "
    "ORDER BY sequence DESC";

// How often a message was delivered may be forgotten, so that damage here is reported and costs nothing else.
Deliveries load_receives(Connection& connection, const Log& log) {
  Deliveries deliveries;
  Rows rows = connection.query(kAllReceives);
  while (rows.next()) {
    const Receives receives{as_unsigned(rows.integer(0)), static_cast<std::uint32_t>(rows.integer(1)), rows.integer(2)};
    if (checksum_of(receives) != rows.integer(3))
      report_corrupt(log, "receives", rows.integer(0));
    else
      deliveries.emplace(rows.integer(0), receives);
  }
  if (!rows.status())
    log.error("queue.page_corrupt", {{"table", "receives"}, {"reason", rows.status().error().message}});
  return deliveries;
}

void load_message(const Rows& rows, const Log& log, const Deliveries& deliveries, Stored& stored) {
  auto record = std::make_shared<Record>();
  record->sequence = as_unsigned(rows.integer(0));
  record->id = rows.bytes(2);
  record->sent_ms = rows.integer(3);
  record->visible_ms = rows.integer(4);
  record->body = rows.bytes(6);
  record->extras = rows.bytes(7);
  const std::uint64_t number = as_unsigned(rows.integer(1));
  const auto queue = stored.find(number);
  if (queue == stored.end() || checksum_of(number, *record) != rows.integer(5))
    return report_corrupt(log, "messages", rows.integer(0));
  const auto known = deliveries.find(rows.integer(0));
  const Receives receives = known == deliveries.end() ? Receives{record->sequence, 0, 0} : known->second;
  queue->second.messages.push_back({std::move(record), receives});
}

// SQLite stops at a page that it cannot read. What lies beyond it is read from the other end, so that a damaged page
// costs the messages that it holds, and not all that are younger.
Result<void> load_messages(Connection& connection, const Log& log, Stored& stored) {
  const Deliveries deliveries = load_receives(connection, log);
  std::int64_t last = -1;
  {
    Rows rows = connection.query(kMessagesUp, {last});
    while (rows.next()) {
      load_message(rows, log, deliveries, stored);
      last = rows.integer(0);
    }
    if (rows.status()) return {};
    if (rows.status().error().code != Code::kCorrupt) return rows.status();
    log.error("queue.page_corrupt", {{"table", "messages"},
                                     {"reason", rows.status().error().message},
                                     {"action", "its messages are lost; the others are served"}});
  }
  Rows rows = connection.query(kMessagesDown, {last});
  while (rows.next()) load_message(rows, log, deliveries, stored);
  if (rows.status() || rows.status().error().code == Code::kCorrupt) return {};
  return rows.status();
}

}  // namespace

Result<std::unique_ptr<Queues>> open_durable_queues(const Executor& executor, Database& database, const Clock& clock,
                                                    Random& random, Log log) {
  const auto prepared = database.commit_and_wait(prepare);
  if (!prepared) return prepared.error();

  Stored stored;
  std::uint32_t run = 0;
  const auto loaded = database.read([&](Connection& connection) -> Result<void> {
    Rows rows = connection.query("SELECT run FROM queue_runs");
    if (rows.next()) run = static_cast<std::uint32_t>(rows.integer(0));
    if (!rows.status()) return rows.status();
    if (auto queues = load_queues(connection, log, stored); !queues) return queues;
    return load_messages(connection, log, stored);
  });
  if (!loaded) return loaded.error();

  std::vector<StoredQueue> queues;
  queues.reserve(stored.size());
  for (auto& [number, queue] : stored) queues.push_back(std::move(queue));
  auto journal = std::make_unique<SqliteJournal>(database);
  return open_local_queues(executor, clock, random, std::move(log), std::move(journal), run, std::move(queues));
}

}  // namespace facefleet::queue
