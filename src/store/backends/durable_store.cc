#include "store/backends/durable_store.h"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <map>
#include <span>
#include <unordered_set>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "store/rules.h"

namespace facefleet::store {
namespace {

namespace fs = std::filesystem;

// A longer body is a file of its own: above this a file costs less CPU than SQLite's log and checkpoint
// (docs/decisions/0006-durable-state.md).
constexpr std::size_t kInlineBytesMax = 256 * 1024;
constexpr std::size_t kRemovedKeysPerCommit = 1'000;

constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS buckets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE, created_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS objects (
    bucket INTEGER NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, etag BLOB NOT NULL,
    modified_ms INTEGER NOT NULL, content_type BLOB NOT NULL, metadata BLOB NOT NULL, body INTEGER NOT NULL,
    in_file INTEGER NOT NULL, body_checksum INTEGER NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (bucket, key)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS objects_in_files ON objects (body) WHERE in_file = 1;
  CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
)";

// A row of `objects`.
struct Row {
  std::int64_t bucket = 0;
  ObjectInfo info;
  std::int64_t body = 0;  // the id of a row of `bodies`, or a file's name
  bool in_file = false;
  std::int64_t body_checksum = 0;
};

// Keys and values of metadata, each ended by a zero byte.
Bytes pack(const std::map<std::string, std::string>& metadata) {
  Bytes packed;
  for (const auto& [key, value] : metadata) packed.append(key).append(1, '\0').append(value).append(1, '\0');
  return packed;
}

std::map<std::string, std::string> unpack(BytesView packed) {
  std::map<std::string, std::string> metadata;
  const auto take = [&packed] {
    const std::size_t end = std::min(packed.find('\0'), packed.size());
    std::string text(packed.substr(0, end));
    packed.remove_prefix(std::min(end + 1, packed.size()));
    return text;
  };
  while (!packed.empty()) {
    std::string key = take();
    metadata[std::move(key)] = take();
  }
  return metadata;
}

Result<void> check_metadata(const std::map<std::string, std::string>& metadata) {
  for (const auto& [key, value] : metadata) {
    if (key.find('\0') != std::string::npos || value.find('\0') != std::string::npos)
      return Error{Code::kInvalidInput, "an object's metadata holds no zero bytes", ""};
  }
  return {};
}

std::int64_t checksum_of(const Row& row, BytesView metadata) {
  return row_checksum({row.bucket, row.info.key, static_cast<std::int64_t>(row.info.size), row.info.etag,
                       row.info.modified_ms, row.info.content_type, metadata, row.body, std::int64_t{row.in_file},
                       row.body_checksum});
}

constexpr std::string_view kColumns =
    "bucket, key, size, etag, modified_ms, content_type, metadata, body, in_file, body_checksum, checksum";

// The row that `rows` stands at, of kColumns. kCorrupt if it fails its checksum.
Result<Row> read_row(const Rows& rows) {
  Row row;
  row.bucket = rows.integer(0);
  row.info.key = rows.bytes(1);
  row.info.size = static_cast<std::uint64_t>(rows.integer(2));
  row.info.etag = rows.bytes(3);
  row.info.modified_ms = rows.integer(4);
  row.info.content_type = rows.bytes(5);
  row.body = rows.integer(7);
  row.in_file = rows.integer(8) != 0;
  row.body_checksum = rows.integer(9);
  if (checksum_of(row, rows.bytes(6)) != rows.integer(10))
    return Error{Code::kCorrupt, "the object's stored record fails its checksum", "corrupt_record"};
  row.info.metadata = unpack(rows.bytes(6));
  return row;
}

Error corrupt_body() { return {Code::kCorrupt, "the object's stored bytes fail their checksum", "corrupt_body"}; }

// Writes `row` and, unless it is in a file, `body`. Files that no row owns any more go to `orphans`.
Result<void> write_row(Connection& connection, const Row& row, BytesView body, const Put& options,
                       std::vector<std::int64_t>& orphans) {
  {
    Rows bucket = connection.query("SELECT 1 FROM buckets WHERE id = ?1", {row.bucket});
    if (!bucket.next()) return bucket.status() ? Result<void>(no_such_bucket("that")) : bucket.status();
  }
  std::int64_t replaced_inline = 0;
  {
    Rows existing = connection.query("SELECT etag, body, in_file FROM objects WHERE bucket = ?1 AND key = ?2",
                                     {row.bucket, row.info.key});
    const bool exists = existing.next();
    if (!existing.status()) return existing.status();
    const std::string etag(exists ? existing.bytes(0) : BytesView());
    if (auto allowed = check_conditions(options, exists ? &etag : nullptr); !allowed) return allowed;
    if (exists && existing.integer(2) != 0) orphans.push_back(existing.integer(1));
    if (exists && existing.integer(2) == 0) replaced_inline = existing.integer(1);
  }
  Result<void> done;
  if (replaced_inline != 0) done = connection.run("DELETE FROM bodies WHERE id = ?1", {replaced_inline});
  if (done && !row.in_file) done = connection.run("INSERT INTO bodies VALUES (?1, ?2)", {row.body, body});
  if (!done) return done;
  const Bytes metadata = pack(row.info.metadata);
  return connection.run("INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                        {row.bucket, row.info.key, static_cast<std::int64_t>(row.info.size), row.info.etag,
                         row.info.modified_ms, row.info.content_type, metadata, row.body, std::int64_t{row.in_file},
                         row.body_checksum, checksum_of(row, metadata)});
}

Result<void> delete_rows(Connection& connection, std::int64_t bucket, std::span<const std::string> keys,
                         std::vector<std::int64_t>& orphans) {
  for (const std::string& key : keys) {
    std::int64_t body = 0;
    bool in_file = false;
    {
      Rows rows = connection.query("SELECT body, in_file FROM objects WHERE bucket = ?1 AND key = ?2", {bucket, key});
      if (!rows.next()) {
        if (!rows.status()) return rows.status();
        continue;
      }
      body = rows.integer(0);
      in_file = rows.integer(1) != 0;
    }
    auto done = connection.run("DELETE FROM objects WHERE bucket = ?1 AND key = ?2", {bucket, key});
    if (done && !in_file) done = connection.run("DELETE FROM bodies WHERE id = ?1", {body});
    if (!done) return done;
    if (in_file) orphans.push_back(body);
  }
  return {};
}

class DurableStore final : public ObjectStore {
 public:
  DurableStore(Executor executor, Database& database, const Clock& clock, Log log)
      : executor_(std::move(executor)),
        database_(database),
        clock_(clock),
        log_(std::move(log)),
        folder_(database.folder() / "objects") {}

  // Makes the schema, loads the buckets, and removes the files that a crash left without an owner.
  Result<void> prepare();

  Task<Result<void>> create_bucket(std::string bucket) override;
  Task<Result<void>> remove_bucket(std::string bucket) override;

  Task<Result<std::vector<Bucket>>> list_buckets() override {
    std::vector<Bucket> buckets;
    for (const auto& [name, known] : buckets_) buckets.push_back({name, known.created_ms});
    co_return buckets;
  }

  Task<Result<bool>> has_bucket(std::string bucket) override { co_return buckets_.contains(bucket); }

  Task<Result<ObjectInfo>> put(std::string bucket, std::string key, Bytes body, Put options) override;
  Task<Result<Object>> get(std::string bucket, std::string key, std::optional<Range> range) override;
  Task<Result<ObjectInfo>> head(std::string bucket, std::string key) override;
  Task<Result<void>> remove(std::string bucket, std::vector<std::string> keys) override;
  Task<Result<Listing>> list(std::string bucket, List query) override;

 private:
  struct KnownBucket {
    std::int64_t id = 0;
    std::int64_t created_ms = 0;
  };

  // A file that is written but that no row owns yet: removed again unless keep() is called.
  class UnownedFile {
   public:
    explicit UnownedFile(DurableStore& store) : store_(store) {}
    ~UnownedFile() {
      if (file_ != 0) store_.unlink_files({file_});
    }
    UnownedFile(const UnownedFile&) = delete;
    UnownedFile& operator=(const UnownedFile&) = delete;
    void own(std::int64_t file) { file_ = file; }
    void keep() { file_ = 0; }

   private:
    DurableStore& store_;
    std::int64_t file_ = 0;
  };

  fs::path file_path(std::int64_t file) const { return folder_ / std::to_string(file); }
  Result<void> load_buckets(Connection& connection);
  Result<std::unordered_set<std::int64_t>> owned_files(Connection& connection);
  void sweep_files(const std::unordered_set<std::int64_t>& owned);

  Result<std::int64_t> bucket_id(const std::string& bucket) const {
    const auto at = buckets_.find(bucket);
    if (at == buckets_.end()) return no_such_bucket(bucket);
    return at->second.id;
  }

  // The row of an object and, if it is short, its body.
  Result<std::pair<Row, Bytes>> find(const std::string& bucket, const std::string& key, bool with_body);
  Result<Bytes> check_body(const Row& row, Result<Bytes> body);
  void report_corrupt(const Error& error, std::int64_t bucket, std::int64_t body) {
    log_.error("store.record_corrupt", {{"reason", error.message}, {"bucket", bucket}, {"body", body}});
  }

  // Runs `work` on the file thread; returns what it returned, on the I/O thread.
  template <class T>
  Task<T> on_file_thread(std::function<T()> work) {
    return asio::async_initiate<decltype(asio::use_awaitable), void(T)>(
        [this](auto handler, std::function<T()> job) {
          asio::post(files_, [executor = executor_, job = std::move(job), handler = std::move(handler)]() mutable {
            T result = job();
            asio::post(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
              std::move(handler)(std::move(result));
            });
          });
        },
        asio::use_awaitable, std::move(work));
  }

  // Removes files on the file thread, whether or not anyone waits for what it returns.
  std::shared_ptr<OneShot<bool>> unlink_files(std::vector<std::int64_t> files);

  const Executor executor_;
  Database& database_;
  const Clock& clock_;
  const Log log_;
  const fs::path folder_;
  std::map<std::string, KnownBucket> buckets_;
  std::int64_t last_body_ = 0;
  asio::thread_pool files_{1};  // reads, writes and removes long bodies; the last member, so that it stops first
};

Result<void> DurableStore::prepare() {
  auto made = database_.commit_and_wait([](Connection& connection) { return connection.run_script(kSchema); });
  if (!made) return made;
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return Error{Code::kInternal, "cannot make " + folder_.string() + ": " + error.message(), ""};
  return database_.read([this](Connection& connection) -> Result<void> {
    if (auto loaded = load_buckets(connection); !loaded) return loaded;
    const auto owned = owned_files(connection);
    if (!owned) return owned.error();
    sweep_files(*owned);
    Rows last = connection.query("SELECT max(id) FROM bodies");
    if (last.next()) last_body_ = std::max(last_body_, last.integer(0));
    return last.status();
  });
}

Result<void> DurableStore::load_buckets(Connection& connection) {
  Rows rows = connection.query("SELECT id, name, created_ms, checksum FROM buckets");
  while (rows.next()) {
    const KnownBucket known{rows.integer(0), rows.integer(2)};
    if (row_checksum({known.id, rows.bytes(1), known.created_ms}) != rows.integer(3))
      report_corrupt({Code::kCorrupt, "the bucket's stored record fails its checksum", ""}, known.id, 0);
    buckets_.emplace(rows.bytes(1), known);
  }
  return rows.status();
}

Result<std::unordered_set<std::int64_t>> DurableStore::owned_files(Connection& connection) {
  std::unordered_set<std::int64_t> owned;
  Rows rows = connection.query("SELECT body FROM objects WHERE in_file = 1");
  while (rows.next()) {
    owned.insert(rows.integer(0));
    last_body_ = std::max(last_body_, rows.integer(0));
  }
  if (!rows.status()) return rows.status().error();
  return owned;
}

void DurableStore::sweep_files(const std::unordered_set<std::int64_t>& owned) {
  std::error_code error;
  std::int64_t swept = 0;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    std::int64_t file = 0;
    const auto [stopped, failure] = std::from_chars(name.data(), name.data() + name.size(), file);
    const bool is_number = failure == std::errc() && stopped == name.data() + name.size();
    if (is_number && owned.contains(file)) continue;
    std::error_code ignored;
    swept += fs::remove(at->path(), ignored) ? 1 : 0;
  }
  if (swept > 0) log_.info("store.swept", {{"files", swept}});
}

Task<Result<void>> DurableStore::create_bucket(std::string bucket) {
  if (Result<void> checked = check_bucket_name(bucket); !checked) co_return checked;
  if (buckets_.contains(bucket)) co_return Result<void>();
  KnownBucket known;
  const std::int64_t now_ms = clock_.wall_ms();
  Database::Operation make = [&](Connection& connection) -> Result<void> {
    auto done = connection.run("INSERT OR IGNORE INTO buckets VALUES (NULL, ?1, ?2, 0)", {bucket, now_ms});
    if (!done) return done;
    {
      Rows rows = connection.query("SELECT id, created_ms FROM buckets WHERE name = ?1", {bucket});
      if (!rows.next()) return rows.status();
      known = {rows.integer(0), rows.integer(1)};
    }
    return connection.run("UPDATE buckets SET checksum = ?2 WHERE id = ?1",
                          {known.id, row_checksum({known.id, bucket, known.created_ms})});
  };
  const Result<void> made = co_await database_.commit(std::move(make));
  if (made) buckets_.insert_or_assign(bucket, known);
  co_return made;
}

Task<Result<void>> DurableStore::remove_bucket(std::string bucket) {
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) co_return id.error();
  Database::Operation drop = [&](Connection& connection) -> Result<void> {
    {
      Rows rows = connection.query("SELECT 1 FROM objects WHERE bucket = ?1 LIMIT 1", {*id});
      if (rows.next()) return Error{Code::kConflict, "the bucket is not empty", "bucket_not_empty"};
      if (!rows.status()) return rows.status();
    }
    return connection.run("DELETE FROM buckets WHERE id = ?1", {*id});
  };
  const Result<void> removed = co_await database_.commit(std::move(drop));
  const auto at = buckets_.find(bucket);
  if (removed && at != buckets_.end() && at->second.id == *id) buckets_.erase(at);
  co_return removed;
}

Task<Result<ObjectInfo>> DurableStore::put(std::string bucket, std::string key, Bytes body, Put options) {
  if (Result<void> checked = check_key(key); !checked) co_return checked.error();
  if (Result<void> checked = check_metadata(options.metadata); !checked) co_return checked.error();
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) co_return id.error();
  Row row;
  row.bucket = *id;
  row.info.key = std::move(key);
  row.info.size = body.size();
  row.info.modified_ms = clock_.wall_ms();
  row.info.content_type = std::move(options.content_type);
  row.info.metadata = std::move(options.metadata);
  row.body = ++last_body_;
  row.in_file = body.size() > kInlineBytesMax;
  const auto digest = [&row, &body] {
    row.info.etag = hex(md5(body));
    row.body_checksum = crc32c(body);
  };

  UnownedFile file(*this);
  if (row.in_file) {
    file.own(row.body);
    std::function<Result<void>()> write = [&] {
      digest();
      return write_file_atomic(file_path(row.body), body, 0600);
    };
    const Result<void> written = co_await on_file_thread(std::move(write));
    if (!written) co_return written.error();
  } else {
    digest();
  }
  std::vector<std::int64_t> orphans;
  Database::Operation write = [&](Connection& connection) {
    return write_row(connection, row, body, options, orphans);
  };
  const Result<void> done = co_await database_.commit(std::move(write));
  if (!done) co_return done.error();
  file.keep();
  if (!orphans.empty()) unlink_files(std::move(orphans));
  co_return std::move(row.info);
}

Result<std::pair<Row, Bytes>> DurableStore::find(const std::string& bucket, const std::string& key, bool with_body) {
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) return id.error();
  std::pair<Row, Bytes> found;
  const auto done = database_.read([&](Connection& connection) -> Result<void> {
    static const std::string head = "SELECT " + std::string(kColumns) + " FROM objects WHERE bucket = ?1 AND key = ?2";
    static const std::string whole = "SELECT " + std::string(kColumns) +
                                     ", bytes FROM objects LEFT JOIN bodies ON in_file = 0 AND id = body "
                                     "WHERE bucket = ?1 AND key = ?2";
    Rows rows = connection.query(with_body ? whole : head, {*id, key});
    if (!rows.next()) return rows.status() ? Result<void>(no_such_key()) : rows.status();
    auto row = read_row(rows);
    if (!row) {
      report_corrupt(row.error(), *id, rows.integer(7));
      return row.error();
    }
    found.first = std::move(*row);
    if (with_body) found.second = rows.bytes(11);
    return {};
  });
  if (!done) return done.error();
  return found;
}

Result<Bytes> DurableStore::check_body(const Row& row, Result<Bytes> body) {
  if (body && (body->size() != row.info.size || crc32c(*body) != row.body_checksum)) body = corrupt_body();
  if (!body && body.error().code == Code::kNotFound) body = corrupt_body();  // a row's own file cannot be missing
  if (!body && body.error().code == Code::kCorrupt) report_corrupt(body.error(), row.bucket, row.body);
  return body;
}

Task<Result<Object>> DurableStore::get(std::string bucket, std::string key, std::optional<Range> range) {
  Result<std::pair<Row, Bytes>> found = find(bucket, key, true);
  if (!found) co_return found.error();
  Result<Bytes> body = std::move(found->second);
  while (found->first.in_file) {
    const std::int64_t file = found->first.body;
    std::function<Result<Bytes>()> read = [path = file_path(file)] { return read_file(path); };
    body = co_await on_file_thread(std::move(read));
    if (body || body.error().code != Code::kNotFound) break;
    // Replaced or removed meanwhile?
    found = find(bucket, key, true);
    if (!found) co_return found.error();
    if (found->first.body == file) break;
    body = std::move(found->second);
  }
  body = check_body(found->first, std::move(body));
  if (!body) co_return body.error();
  Object object;
  object.info = std::move(found->first.info);
  object.body = std::move(*body);
  if (Result<void> done = cut(object.body, range); !done) co_return done.error();
  co_return object;
}

Task<Result<ObjectInfo>> DurableStore::head(std::string bucket, std::string key) {
  Result<std::pair<Row, Bytes>> found = find(bucket, key, false);
  if (!found) co_return found.error();
  co_return std::move(found->first.info);
}

Task<Result<void>> DurableStore::remove(std::string bucket, std::vector<std::string> keys) {
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) co_return id.error();
  for (std::size_t first = 0; first < keys.size(); first += kRemovedKeysPerCommit) {
    const std::span some(keys.data() + first, std::min(kRemovedKeysPerCommit, keys.size() - first));
    std::vector<std::int64_t> orphans;
    Database::Operation drop = [&](Connection& connection) { return delete_rows(connection, *id, some, orphans); };
    const Result<void> removed = co_await database_.commit(std::move(drop));
    if (!removed) co_return removed;
    if (orphans.empty()) continue;
    const auto unlinked = unlink_files(std::move(orphans));
    co_await unlinked->wait_until(MonoTime::max());
  }
  co_return Result<void>();
}

Task<Result<Listing>> DurableStore::list(std::string bucket, List query) {
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) co_return id.error();
  const Scan scan = [&](const std::string& from, const Visit& visit) {
    return database_.read([&](Connection& connection) -> Result<void> {
      static const std::string sql =
          "SELECT " + std::string(kColumns) + " FROM objects WHERE bucket = ?1 AND key >= ?2 ORDER BY key";
      Rows rows = connection.query(sql, {*id, from});
      while (rows.next()) {
        auto row = read_row(rows);
        // Its key is in doubt too: it is left out, and the others are listed.
        if (!row)
          report_corrupt(row.error(), *id, rows.integer(7));
        else if (!visit(std::move(row->info)))
          break;
      }
      return rows.status();
    });
  };
  co_return list_objects(query, scan);
}

std::shared_ptr<OneShot<bool>> DurableStore::unlink_files(std::vector<std::int64_t> files) {
  auto done = std::make_shared<OneShot<bool>>(executor_);
  std::vector<fs::path> paths;
  paths.reserve(files.size());
  for (const std::int64_t file : files) paths.push_back(file_path(file));
  asio::post(files_, [executor = executor_, done, paths = std::move(paths)]() mutable {
    for (const fs::path& path : paths) {
      std::error_code ignored;  // what is left is swept at the next start
      fs::remove(path, ignored);
    }
    asio::post(executor, [done = std::move(done)] { done->set(true); });
  });
  return done;
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_durable_store(const Executor& executor, Database& database,
                                                        const Clock& clock, Log log) {
  auto store = std::make_unique<DurableStore>(executor, database, clock, std::move(log));
  if (auto prepared = store->prepare(); !prepared) return prepared.error();
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace facefleet::store
