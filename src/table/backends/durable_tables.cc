#include "table/backends/durable_tables.h"

#include "base/limits.h"
#include "table/codec.h"
#include "table/rules.h"

namespace facefleet::table {
namespace {

// Items hold their key's attributes like any other; `key` is rules.h's spelling of it.
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS item_tables (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE, hash_name BLOB NOT NULL,
    hash_type INTEGER NOT NULL, range_name BLOB, range_type INTEGER, created_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS items (
    item_table INTEGER NOT NULL, key BLOB NOT NULL, item BLOB NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (item_table, key)) WITHOUT ROWID;
)";

struct Known {
  std::int64_t id = 0;
  TableInfo info;
};

std::int64_t checksum_of(const TableInfo& info) {
  const BytesView range = info.range ? BytesView(info.range->name) : BytesView();
  return row_checksum({info.name, info.hash.name, static_cast<std::int64_t>(info.hash.type), range,
                       static_cast<std::int64_t>(info.range ? info.range->type : Type::kNull), info.created_ms});
}

Result<Known> find_table(Connection& connection, const std::string& name) {
  Rows rows = connection.query(
      "SELECT id, hash_name, hash_type, range_name, range_type, created_ms, checksum FROM item_tables WHERE name = ?1",
      {name});
  if (!rows.next()) return rows.status() ? no_such_table(name) : rows.status().error();
  Known known;
  known.id = rows.integer(0);
  known.info.name = name;
  known.info.hash = {std::string(rows.bytes(1)), static_cast<Type>(rows.integer(2))};
  if (!rows.is_null(3)) known.info.range = {std::string(rows.bytes(3)), static_cast<Type>(rows.integer(4))};
  known.info.created_ms = rows.integer(5);
  if (checksum_of(known.info) != rows.integer(6))
    return Error{Code::kCorrupt, "the table's stored record fails its checksum", "corrupt_record"};
  return known;
}

// The item that `rows` stands at: its key, itself, its checksum.
Result<Item> read_item(const Rows& rows, std::int64_t table) {
  const Error corrupt{Code::kCorrupt, "a stored item fails its checksum", "corrupt_record"};
  if (row_checksum({table, rows.bytes(0), rows.bytes(1)}) != rows.integer(2)) return corrupt;
  return decode_item(rows.bytes(1));
}

Result<std::optional<Item>> find_item(Connection& connection, std::int64_t table, const Bytes& key) {
  Rows rows =
      connection.query("SELECT key, item, checksum FROM items WHERE item_table = ?1 AND key = ?2", {table, key});
  if (!rows.next()) {
    if (!rows.status()) return rows.status().error();
    return std::optional<Item>();
  }
  auto item = read_item(rows, table);
  if (!item) return item.error();
  return std::optional(std::move(*item));
}

// Does one write; `old` becomes what was there, if that is wanted. What was there and is damaged may be replaced.
Result<void> apply(Connection& connection, const Write& write, std::optional<Item>* old) {
  const auto table = find_table(connection, write.table);
  if (!table) return table.error();
  const auto key = key_of(table->info, write.item, write.erase);
  if (!key) return key.error();
  if (old != nullptr) {
    auto found = find_item(connection, table->id, *key);
    if (!found && found.error().code != Code::kCorrupt) return found.error();
    if (found) *old = std::move(*found);
  }
  if (write.erase) return connection.run("DELETE FROM items WHERE item_table = ?1 AND key = ?2", {table->id, *key});
  const Bytes encoded = encode(write.item);
  if (auto fits = check_size(encoded.size()); !fits) return fits;
  return connection.run("INSERT OR REPLACE INTO items VALUES (?1, ?2, ?3, ?4)",
                        {table->id, *key, encoded, row_checksum({table->id, *key, encoded})});
}

Result<TableInfo> describe_table(Connection& connection, const Known& known) {
  TableInfo info = known.info;
  Rows rows = connection.query("SELECT count(*), sum(length(item)) FROM items WHERE item_table = ?1", {known.id});
  if (!rows.next()) return rows.status().error();
  info.items = static_cast<std::uint64_t>(rows.integer(0));
  info.bytes = static_cast<std::uint64_t>(rows.integer(1));
  return info;
}

class DurableTables final : public Tables {
 public:
  DurableTables(Database& database, const Clock& clock, Log log)
      : database_(database), clock_(clock), log_(std::move(log)) {}

  Task<Result<TableInfo>> create(TableInfo table) override {
    if (auto checked = check_table(table); !checked) co_return checked.error();
    table.created_ms = clock_.wall_ms();
    Database::Operation make = [&table](Connection& connection) -> Result<void> {
      const auto there = find_table(connection, table.name);
      if (there) return table_exists(table.name);
      if (there.error().code != Code::kNotFound) return there.error();
      const SqlValue range_name = table.range ? SqlValue(table.range->name) : SqlValue();
      const SqlValue range_type = table.range ? SqlValue(static_cast<std::int64_t>(table.range->type)) : SqlValue();
      return connection.run("INSERT INTO item_tables VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                            {table.name, table.hash.name, static_cast<std::int64_t>(table.hash.type), range_name,
                             range_type, table.created_ms, checksum_of(table)});
    };
    const Result<void> made = co_await database_.commit(std::move(make));
    if (!made) co_return made.error();
    co_return table;
  }

  Task<Result<TableInfo>> describe(std::string table) override {
    TableInfo info;
    const auto done = database_.read([&](Connection& connection) -> Result<void> {
      const auto known = find_table(connection, table);
      if (!known) return known.error();
      auto described = describe_table(connection, *known);
      if (!described) return described.error();
      info = std::move(*described);
      return {};
    });
    if (!done) co_return done.error();
    co_return info;
  }

  Task<Result<std::vector<std::string>>> list() override {
    std::vector<std::string> names;
    const auto done = database_.read([&](Connection& connection) {
      Rows rows = connection.query("SELECT name FROM item_tables ORDER BY name");
      while (rows.next()) names.emplace_back(rows.bytes(0));
      return rows.status();
    });
    if (!done) co_return done.error();
    co_return names;
  }

  Task<Result<TableInfo>> remove(std::string table) override {
    TableInfo info;
    Database::Operation drop = [&](Connection& connection) -> Result<void> {
      const auto known = find_table(connection, table);
      if (!known) return known.error();
      auto described = describe_table(connection, *known);
      if (!described) return described.error();
      info = std::move(*described);
      if (auto done = connection.run("DELETE FROM items WHERE item_table = ?1", {known->id}); !done) return done;
      return connection.run("DELETE FROM item_tables WHERE id = ?1", {known->id});
    };
    const Result<void> removed = co_await database_.commit(std::move(drop));
    if (!removed) co_return removed.error();
    co_return info;
  }

  Task<Result<std::optional<Item>>> put(std::string table, Item item) override {
    Write one{std::move(table), std::move(item), false};
    co_return co_await write_one(std::move(one));
  }

  Task<Result<std::optional<Item>>> erase(std::string table, Item key) override {
    Write one{std::move(table), std::move(key), true};
    co_return co_await write_one(std::move(one));
  }

  Task<Result<void>> write(std::vector<Write> writes) override {
    Database::Operation all = [&writes](Connection& connection) -> Result<void> {
      for (const Write& one : writes)
        if (auto done = apply(connection, one, nullptr); !done) return done;
      return {};
    };
    co_return co_await database_.commit(std::move(all));
  }

  Task<Result<std::optional<Item>>> get(std::string table, Item key) override {
    std::optional<Item> item;
    const auto done = database_.read([&](Connection& connection) -> Result<void> {
      const auto known = find_table(connection, table);
      if (!known) return known.error();
      const auto bytes = key_of(known->info, key, true);
      if (!bytes) return bytes.error();
      auto found = find_item(connection, known->id, *bytes);
      if (!found) return report(found.error(), table);
      item = std::move(*found);
      return {};
    });
    if (!done) co_return done.error();
    co_return item;
  }

  Task<Result<Page>> scan(std::string table, std::optional<Item> after, std::uint32_t max) override {
    Page page;
    const auto done = database_.read([&](Connection& connection) -> Result<void> {
      const auto known = find_table(connection, table);
      if (!known) return known.error();
      Bytes from;
      if (after) {
        auto key = key_of(known->info, *after, true);
        if (!key) return key.error();
        from = std::move(*key);
      }
      return read_page(connection, *known, from, max, page);
    });
    if (!done) co_return done.error();
    co_return page;
  }

 private:
  Error report(const Error& error, std::string_view table) const {
    if (error.code == Code::kCorrupt) log_.error("table.item_corrupt", {{"reason", error.message}, {"table", table}});
    return error;
  }

  // A damaged item is left out, and the others are given.
  Result<void> read_page(Connection& connection, const Known& known, const Bytes& after, std::uint32_t max,
                         Page& page) const {
    Rows rows = connection.query(
        "SELECT key, item, checksum FROM items WHERE item_table = ?1 AND key > ?2 ORDER BY key", {known.id, after});
    std::size_t bytes = 0;
    while (rows.next()) {
      if (page.items.size() == max || bytes > limits::kTablePageBytes) {
        page.last = key_attributes(known.info, page.items.back());
        return {};
      }
      auto item = read_item(rows, known.id);
      if (!item) {
        report(item.error(), known.info.name);
        continue;
      }
      bytes += rows.bytes(1).size();
      page.items.push_back(std::move(*item));
    }
    return rows.status();
  }

  Task<Result<std::optional<Item>>> write_one(Write one) {
    std::optional<Item> old;
    Database::Operation write = [&](Connection& connection) { return apply(connection, one, &old); };
    const Result<void> done = co_await database_.commit(std::move(write));
    if (!done) co_return done.error();
    co_return old;
  }

  Database& database_;
  const Clock& clock_;
  const Log log_;
};

}  // namespace

Result<std::unique_ptr<Tables>> open_durable_tables(Database& database, const Clock& clock, Log log) {
  auto made = database.commit_and_wait([](Connection& connection) { return connection.run_script(kSchema); });
  if (!made) return made.error();
  return std::unique_ptr<Tables>(std::make_unique<DurableTables>(database, clock, std::move(log)));
}

}  // namespace facefleet::table
