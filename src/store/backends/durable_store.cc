#include "store/backends/durable_store.h"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <map>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "store/rules.h"

namespace facefleet::store {
namespace {

namespace fs = std::filesystem;

// A longer body is a file of its own: above this a file costs less CPU than SQLite's log and checkpoint
// (docs/decisions/0005-durable-state.md).
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
  CREATE TABLE IF NOT EXISTS segments (
    body INTEGER NOT NULL, place INTEGER NOT NULL, file INTEGER NOT NULL, size INTEGER NOT NULL,
    bytes_checksum INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (body, place)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (
    id INTEGER PRIMARY KEY AUTOINCREMENT, bucket INTEGER NOT NULL, key BLOB NOT NULL, content_type BLOB NOT NULL,
    metadata BLOB NOT NULL, created_ms INTEGER NOT NULL, checksum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS parts (
    upload INTEGER NOT NULL, number INTEGER NOT NULL, etag BLOB NOT NULL, size INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL, body INTEGER NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (upload, number)) WITHOUT ROWID;
)";

// Where a body lies: `in_file` of a row of `objects`.
enum class Place : std::int64_t {
  kRow = 0,       // a row of `bodies`
  kFile = 1,      // a file of its own
  kSegments = 2,  // rows of `segments`, each of which names a file
};

// A piece of a body, in a file.
struct Segment {
  std::int64_t file = 0;
  std::int64_t size = 0;
  std::int64_t checksum = 0;  // CRC-32C of its bytes
};

// A row of `objects`.
struct Row {
  std::int64_t bucket = 0;
  ObjectInfo info;
  std::int64_t body = 0;  // the id of a row of `bodies` or of rows of `segments`, or a file's name
  Place place = Place::kRow;
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
                       row.info.modified_ms, row.info.content_type, metadata, row.body,
                       static_cast<std::int64_t>(row.place), row.body_checksum});
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
  row.place = static_cast<Place>(rows.integer(8));
  row.body_checksum = rows.integer(9);
  if (checksum_of(row, rows.bytes(6)) != rows.integer(10))
    return Error{Code::kCorrupt, "the object's stored record fails its checksum", "corrupt_record"};
  row.info.metadata = unpack(rows.bytes(6));
  return row;
}

Error corrupt_body() { return {Code::kCorrupt, "the object's stored bytes fail their checksum", "corrupt_body"}; }

// ---- rows, within one operation of the database. Files that no row owns any more go to `orphans`.

Result<void> insert_segments(Connection& connection, std::int64_t body, std::span<const Segment> segments) {
  std::int64_t place = 0;
  for (const Segment& segment : segments) {
    auto done = connection.run("INSERT INTO segments VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                               {body, place, segment.file, segment.size, segment.checksum,
                                row_checksum({body, place, segment.file, segment.size, segment.checksum})});
    if (!done) return done;
    ++place;
  }
  return {};
}

// Appends the segments of a body in order. kCorrupt if a row fails its checksum.
Result<void> select_segments(Connection& connection, std::int64_t body, std::vector<Segment>& segments) {
  Rows rows = connection.query(
      "SELECT place, file, size, bytes_checksum, checksum FROM segments WHERE body = ?1 ORDER BY place", {body});
  while (rows.next()) {
    const Segment segment{rows.integer(1), rows.integer(2), rows.integer(3)};
    if (row_checksum({body, rows.integer(0), segment.file, segment.size, segment.checksum}) != rows.integer(4))
      return Error{Code::kCorrupt, "a stored record of the object's bytes fails its checksum", "corrupt_record"};
    segments.push_back(segment);
  }
  return rows.status();
}

Result<void> delete_segments(Connection& connection, std::int64_t body, std::vector<std::int64_t>& orphans) {
  {
    Rows rows = connection.query("SELECT file FROM segments WHERE body = ?1", {body});
    while (rows.next()) orphans.push_back(rows.integer(0));
    if (!rows.status()) return rows.status();
  }
  return connection.run("DELETE FROM segments WHERE body = ?1", {body});
}

Result<void> delete_body(Connection& connection, std::int64_t body, Place place, std::vector<std::int64_t>& orphans) {
  switch (place) {
    case Place::kRow: return connection.run("DELETE FROM bodies WHERE id = ?1", {body});
    case Place::kFile: orphans.push_back(body); return {};
    case Place::kSegments: return delete_segments(connection, body, orphans);
  }
  return {};
}

// Writes `row` and what of its body lies in rows: `bytes` or `segments`, as its place says.
Result<void> write_row(Connection& connection, const Row& row, BytesView bytes, std::span<const Segment> segments,
                       const Put& options, std::vector<std::int64_t>& orphans) {
  {
    Rows bucket = connection.query("SELECT 1 FROM buckets WHERE id = ?1", {row.bucket});
    if (!bucket.next()) return bucket.status() ? Result<void>(no_such_bucket("that")) : bucket.status();
  }
  std::optional<std::pair<std::int64_t, Place>> replaced;
  {
    Rows existing = connection.query("SELECT etag, body, in_file FROM objects WHERE bucket = ?1 AND key = ?2",
                                     {row.bucket, row.info.key});
    const bool exists = existing.next();
    if (!existing.status()) return existing.status();
    const std::string etag(exists ? existing.bytes(0) : BytesView());
    if (auto allowed = check_conditions(options, exists ? &etag : nullptr); !allowed) return allowed;
    if (exists) replaced.emplace(existing.integer(1), static_cast<Place>(existing.integer(2)));
  }
  Result<void> done;
  if (replaced) done = delete_body(connection, replaced->first, replaced->second, orphans);
  if (done && row.place == Place::kRow) done = connection.run("INSERT INTO bodies VALUES (?1, ?2)", {row.body, bytes});
  if (done && row.place == Place::kSegments) done = insert_segments(connection, row.body, segments);
  if (!done) return done;
  const Bytes metadata = pack(row.info.metadata);
  return connection.run("INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                        {row.bucket, row.info.key, static_cast<std::int64_t>(row.info.size), row.info.etag,
                         row.info.modified_ms, row.info.content_type, metadata, row.body,
                         static_cast<std::int64_t>(row.place), row.body_checksum, checksum_of(row, metadata)});
}

Result<void> delete_rows(Connection& connection, std::int64_t bucket, std::span<const std::string> keys,
                         std::vector<std::int64_t>& orphans) {
  for (const std::string& key : keys) {
    std::int64_t body = 0;
    Place place = Place::kRow;
    {
      Rows rows = connection.query("SELECT body, in_file FROM objects WHERE bucket = ?1 AND key = ?2", {bucket, key});
      if (!rows.next()) {
        if (!rows.status()) return rows.status();
        continue;
      }
      body = rows.integer(0);
      place = static_cast<Place>(rows.integer(1));
    }
    auto done = connection.run("DELETE FROM objects WHERE bucket = ?1 AND key = ?2", {bucket, key});
    if (done) done = delete_body(connection, body, place, orphans);
    if (!done) return done;
  }
  return {};
}

// An upload's row, and its parts with the body that each has.
struct UploadRow {
  std::int64_t id = 0;
  std::int64_t bucket = 0;
  std::string key;
  std::string content_type;
  Bytes metadata;  // packed
  std::int64_t created_ms = 0;
};

std::int64_t checksum_of(const UploadRow& row) {
  return row_checksum({row.bucket, row.key, row.content_type, row.metadata, row.created_ms});
}

// What a caller knows an upload by. Its number is never given again; the time keeps strangers' guesses apart.
std::string upload_id(std::int64_t id, std::int64_t created_ms) {
  return std::to_string(id) + "-" + std::to_string(created_ms);
}

Result<UploadRow> find_upload(Connection& connection, std::int64_t bucket, const UploadName& name) {
  std::int64_t id = 0;
  std::from_chars(name.id.data(), name.id.data() + name.id.size(), id);
  Rows rows = connection.query(
      "SELECT bucket, key, content_type, metadata, created_ms, checksum FROM uploads WHERE id = ?1", {id});
  if (!rows.next()) return rows.status() ? no_such_upload() : rows.status().error();
  UploadRow row{id,
                rows.integer(0),
                std::string(rows.bytes(1)),
                std::string(rows.bytes(2)),
                Bytes(rows.bytes(3)),
                rows.integer(4)};
  if (row.bucket != bucket || row.key != name.key || upload_id(id, row.created_ms) != name.id) return no_such_upload();
  if (checksum_of(row) != rows.integer(5))
    return Error{Code::kCorrupt, "the upload's stored record fails its checksum", "corrupt_record"};
  return row;
}

struct PartRow {
  Part part;
  std::int64_t body = 0;
};

std::int64_t checksum_of(std::int64_t upload, const PartRow& row) {
  return row_checksum({upload, std::int64_t{row.part.number}, row.part.etag, static_cast<std::int64_t>(row.part.size),
                       row.part.modified_ms, row.body});
}

Result<std::vector<PartRow>> select_parts(Connection& connection, std::int64_t upload) {
  std::vector<PartRow> parts;
  Rows rows = connection.query(
      "SELECT number, etag, size, modified_ms, body, checksum FROM parts WHERE upload = ?1 ORDER BY number", {upload});
  while (rows.next()) {
    PartRow row;
    row.part = {static_cast<std::uint32_t>(rows.integer(0)), std::string(rows.bytes(1)),
                static_cast<std::uint64_t>(rows.integer(2)), rows.integer(3)};
    row.body = rows.integer(4);
    if (checksum_of(upload, row) != rows.integer(5))
      return Error{Code::kCorrupt, "a part's stored record fails its checksum", "corrupt_record"};
    parts.push_back(std::move(row));
  }
  if (!rows.status()) return rows.status().error();
  return parts;
}

// Forgets an upload and the bytes of all parts that it still has.
Result<void> delete_upload(Connection& connection, std::int64_t id, std::vector<std::int64_t>& orphans) {
  const auto parts = select_parts(connection, id);
  if (!parts) return parts.error();
  for (const PartRow& row : *parts)
    if (auto done = delete_segments(connection, row.body, orphans); !done) return done;
  if (auto done = connection.run("DELETE FROM parts WHERE upload = ?1", {id}); !done) return done;
  return connection.run("DELETE FROM uploads WHERE id = ?1", {id});
}

Result<void> delete_uploads(Connection& connection, std::span<const std::int64_t> ids,
                            std::vector<std::int64_t>& orphans) {
  for (const std::int64_t id : ids)
    if (auto done = delete_upload(connection, id, orphans); !done) return done;
  return {};
}

Result<std::vector<std::int64_t>> select_ids(Rows rows) {
  std::vector<std::int64_t> ids;
  while (rows.next()) ids.push_back(rows.integer(0));
  if (!rows.status()) return rows.status().error();
  return ids;
}

class DurableDraft;
class SegmentedBody;

class DurableStore final : public LocalStore {
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

  std::unique_ptr<Draft> draft() override;
  Task<Result<ObjectInfo>> put_draft(std::string bucket, std::string key, Draft& draft, Put options) override;
  Task<Result<Opened>> open(std::string bucket, std::string key, std::optional<Range> range) override;
  Task<Result<std::string>> begin_upload(std::string bucket, std::string key, Put options) override;
  Task<Result<Part>> put_part(UploadName upload, std::uint32_t number, Draft& draft) override;
  Task<Result<ObjectInfo>> complete_upload(UploadName upload, std::vector<PartName> parts, Put conditions) override;
  Task<Result<void>> abort_upload(UploadName upload) override;
  Task<Result<std::vector<Part>>> list_parts(UploadName upload) override;
  Task<Result<std::vector<OpenUpload>>> list_uploads(std::string bucket) override;

 private:
  friend class DurableDraft;
  friend class SegmentedBody;

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

  // The row of a new object.
  Row make_row(std::int64_t bucket, std::string key, std::uint64_t size, Put& options);
  Result<std::vector<Segment>> find_segments(const Row& row);
  // What a Segment's file holds, read on the file thread; kCorrupt, reported, if it is not what was written.
  Task<Result<Bytes>> read_segment(Segment segment);
  // Files that are being read stay until nobody reads them any more.
  void pin(std::span<const Segment> segments);
  void unpin(std::span<const Segment> segments);

  // The row of an object and, if it is short, its body.
  Result<std::pair<Row, Bytes>> find(const std::string& bucket, const std::string& key, bool with_body);
  Result<Bytes> check_body(const Row& row, Result<Bytes> body);
  Task<Result<Object>> get_segments(std::string bucket, std::string key, std::optional<Range> range);
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
  std::unordered_map<std::int64_t, int> pins_;       // readers of a file
  std::unordered_set<std::int64_t> unlinked_later_;  // files that no row owns, but that are being read
  asio::thread_pool files_{1};  // reads, writes and removes long bodies; the last member, so that it stops first
};

Result<void> DurableStore::prepare() {
  const std::int64_t oldest_ms = clock_.wall_ms() - limits::kUploadAgeMs;
  auto made = database_.commit_and_wait([oldest_ms](Connection& connection) -> Result<void> {
    if (auto done = connection.run_script(kSchema); !done) return done;
    const auto old = select_ids(connection.query("SELECT id FROM uploads WHERE created_ms < ?1", {oldest_ms}));
    if (!old) return old.error();
    std::vector<std::int64_t> swept_below;
    return delete_uploads(connection, *old, swept_below);
  });
  if (!made) return made;
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return Error{Code::kInternal, "cannot make " + folder_.string() + ": " + error.message(), ""};
  return database_.read([this](Connection& connection) -> Result<void> {
    if (auto loaded = load_buckets(connection); !loaded) return loaded;
    const auto owned = owned_files(connection);
    if (!owned) return owned.error();
    sweep_files(*owned);
    // One counter names bodies and files alike.
    Rows last = connection.query(
        "SELECT max(id) FROM bodies UNION ALL SELECT max(body) FROM segments UNION ALL SELECT max(body) FROM parts");
    while (last.next()) last_body_ = std::max(last_body_, last.integer(0));
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
  Rows rows = connection.query("SELECT body FROM objects WHERE in_file = 1 UNION ALL SELECT file FROM segments");
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
  std::vector<std::int64_t> orphans;
  Database::Operation drop = [&](Connection& connection) -> Result<void> {
    {
      Rows rows = connection.query("SELECT 1 FROM objects WHERE bucket = ?1 LIMIT 1", {*id});
      if (rows.next()) return Error{Code::kConflict, "the bucket is not empty", "bucket_not_empty"};
      if (!rows.status()) return rows.status();
    }
    const auto uploads = select_ids(connection.query("SELECT id FROM uploads WHERE bucket = ?1", {*id}));
    if (!uploads) return uploads.error();
    if (auto done = delete_uploads(connection, *uploads, orphans); !done) return done;
    return connection.run("DELETE FROM buckets WHERE id = ?1", {*id});
  };
  const Result<void> removed = co_await database_.commit(std::move(drop));
  if (removed && !orphans.empty()) unlink_files(std::move(orphans));
  const auto at = buckets_.find(bucket);
  if (removed && at != buckets_.end() && at->second.id == *id) buckets_.erase(at);
  co_return removed;
}

Task<Result<ObjectInfo>> DurableStore::put(std::string bucket, std::string key, Bytes body, Put options) {
  if (Result<void> checked = check_key(key); !checked) co_return checked.error();
  if (Result<void> checked = check_metadata(options.metadata); !checked) co_return checked.error();
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) co_return id.error();
  Row row = make_row(*id, std::move(key), body.size(), options);
  row.place = body.size() > kInlineBytesMax ? Place::kFile : Place::kRow;
  const auto digest = [&row, &body] {
    row.info.etag = hex(md5(body));
    row.body_checksum = crc32c(body);
  };

  UnownedFile file(*this);
  if (row.place == Place::kFile) {
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
    return write_row(connection, row, body, {}, options, orphans);
  };
  const Result<void> done = co_await database_.commit(std::move(write));
  if (!done) co_return done.error();
  file.keep();
  if (!orphans.empty()) unlink_files(std::move(orphans));
  co_return std::move(row.info);
}

Row DurableStore::make_row(std::int64_t bucket, std::string key, std::uint64_t size, Put& options) {
  Row row;
  row.bucket = bucket;
  row.info.key = std::move(key);
  row.info.size = size;
  row.info.modified_ms = clock_.wall_ms();
  row.info.content_type = std::move(options.content_type);
  row.info.metadata = std::move(options.metadata);
  row.body = ++last_body_;
  return row;
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
  if (found->first.place == Place::kSegments) co_return co_await get_segments(std::move(bucket), std::move(key), range);
  Result<Bytes> body = std::move(found->second);
  while (found->first.place == Place::kFile) {
    const std::int64_t file = found->first.body;
    std::function<Result<Bytes>()> read = [path = file_path(file)] { return read_file(path); };
    body = co_await on_file_thread(std::move(read));
    if (body || body.error().code != Code::kNotFound) break;
    // Replaced or removed meanwhile?
    found = find(bucket, key, true);
    if (!found) co_return found.error();
    if (found->first.body == file) break;
    if (found->first.place == Place::kSegments) co_return co_await get_segments(bucket, key, range);
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
  for (const std::int64_t file : files) {
    if (pins_.contains(file))
      unlinked_later_.insert(file);
    else
      paths.push_back(file_path(file));
  }
  asio::post(files_, [executor = executor_, done, paths = std::move(paths)]() mutable {
    for (const fs::path& path : paths) {
      std::error_code ignored;  // what is left is swept at the next start
      fs::remove(path, ignored);
    }
    asio::post(executor, [done = std::move(done)] { done->set(true); });
  });
  return done;
}

// What has come so far: whole segments in files, the rest in memory.
class DurableDraft final : public Draft {
 public:
  explicit DurableDraft(DurableStore& store) : store_(store) {}
  ~DurableDraft() override {
    if (segments_.empty()) return;
    std::vector<std::int64_t> files;
    for (const Segment& segment : segments_) files.push_back(segment.file);
    store_.unlink_files(std::move(files));
  }
  DurableDraft(const DurableDraft&) = delete;
  DurableDraft& operator=(const DurableDraft&) = delete;

  std::uint64_t size() const override { return size_; }

  Task<Result<void>> append(BytesView piece) override {
    while (!piece.empty()) {
      const BytesView some = piece.substr(0, limits::kObjectSegmentBytes - rest_.size());
      // Once more than a segment is to be expected, its place is made at once, not by doubling.
      if (!segments_.empty()) rest_.reserve(limits::kObjectSegmentBytes);
      rest_.append(some);
      size_ += some.size();
      piece.remove_prefix(some.size());
      if (rest_.size() < limits::kObjectSegmentBytes) break;
      auto written = co_await write_rest();
      if (!written) co_return written;
    }
    co_return Result<void>();
  }

  bool is_short() const { return segments_.empty(); }
  Bytes take_rest() { return std::exchange(rest_, {}); }

  // Writes what is left and makes all of it outlast a crash. Returns the MD5 in hexadecimal.
  Task<Result<std::string>> finish() {
    if (!rest_.empty()) {
      auto written = co_await write_rest();
      if (!written) co_return written.error();
    }
    std::function<Result<void>()> sync = [folder = store_.folder_] { return sync_folder(folder); };
    const Result<void> synced = co_await store_.on_file_thread(std::move(sync));
    if (!synced) co_return synced.error();
    co_return hex(md5_.take());
  }

  const std::vector<Segment>& segments() const { return segments_; }
  // The files are somebody else's now.
  void keep() { segments_.clear(); }

 private:
  Task<Result<void>> write_rest() {
    segments_.push_back({++store_.last_body_, static_cast<std::int64_t>(rest_.size()), 0});
    Segment& segment = segments_.back();
    std::function<Result<void>()> write = [this, &segment] {
      md5_.add(rest_);
      segment.checksum = crc32c(rest_);
      return write_new_file(store_.file_path(segment.file), rest_, 0600);
    };
    const Result<void> written = co_await store_.on_file_thread(std::move(write));
    rest_.clear();
    co_return written;
  }

  DurableStore& store_;
  std::vector<Segment> segments_;
  Bytes rest_;
  std::uint64_t size_ = 0;
  Digest md5_{Digest::Kind::kMd5};
};

// A body that is short enough to be in memory.
class ShortBody final : public Body {
 public:
  explicit ShortBody(Bytes bytes) : bytes_(std::move(bytes)) {}
  Task<Result<BytesView>> next() override {
    if (std::exchange(given_, true)) co_return BytesView();
    co_return BytesView(bytes_);
  }

 private:
  const Bytes bytes_;
  bool given_ = false;
};

// Reads a segment at a time; the next one while this one is on its way would take twice the memory.
class SegmentedBody final : public Body {
 public:
  // The bytes of `span`, which counts from the first byte of the first of `segments`.
  SegmentedBody(DurableStore& store, std::vector<Segment> segments, Span span)
      : store_(store), segments_(std::move(segments)), skip_(span.first), left_(span.size) {
    store_.pin(segments_);
  }
  ~SegmentedBody() override { store_.unpin(segments_); }
  SegmentedBody(const SegmentedBody&) = delete;
  SegmentedBody& operator=(const SegmentedBody&) = delete;

  // Reads the first piece, which next() then gives.
  Task<Result<void>> begin() {
    auto read = co_await read_next();
    if (!read) co_return read.error();
    ahead_ = true;
    co_return Result<void>();
  }

  Task<Result<BytesView>> next() override {
    if (!std::exchange(ahead_, false)) {
      auto read = co_await read_next();
      if (!read) co_return read.error();
    }
    co_return piece_;
  }

 private:
  Task<Result<void>> read_next() {
    piece_ = {};
    if (left_ == 0) co_return Result<void>();
    while (at_ < segments_.size() && skip_ >= static_cast<std::uint64_t>(segments_[at_].size))
      skip_ -= static_cast<std::uint64_t>(segments_[at_++].size);
    if (at_ == segments_.size()) co_return corrupt_body();
    bytes_.clear();
    auto bytes = co_await store_.read_segment(segments_[at_++]);
    if (!bytes) co_return bytes.error();
    bytes_ = std::move(*bytes);
    piece_ = BytesView(bytes_).substr(skip_, left_);
    skip_ = 0;
    left_ -= piece_.size();
    co_return Result<void>();
  }

  DurableStore& store_;
  const std::vector<Segment> segments_;
  std::size_t at_ = 0;
  std::uint64_t skip_ = 0;
  std::uint64_t left_ = 0;
  Bytes bytes_;
  BytesView piece_;
  bool ahead_ = false;
};

void DurableStore::pin(std::span<const Segment> segments) {
  for (const Segment& segment : segments) ++pins_[segment.file];
}

void DurableStore::unpin(std::span<const Segment> segments) {
  std::vector<std::int64_t> files;
  for (const Segment& segment : segments) {
    const auto pinned = pins_.find(segment.file);
    if (--pinned->second > 0) continue;
    pins_.erase(pinned);
    if (unlinked_later_.erase(segment.file) > 0) files.push_back(segment.file);
  }
  if (!files.empty()) unlink_files(std::move(files));
}

Task<Result<Bytes>> DurableStore::read_segment(Segment segment) {
  std::function<Result<Bytes>()> read = [path = file_path(segment.file), segment]() -> Result<Bytes> {
    auto bytes = read_file(path);
    const bool whole = bytes && static_cast<std::int64_t>(bytes->size()) == segment.size &&
                       crc32c(*bytes) == static_cast<std::uint32_t>(segment.checksum);
    if (whole || (!bytes && bytes.error().code != Code::kNotFound)) return bytes;
    return corrupt_body();  // a row's own file cannot be missing
  };
  auto bytes = co_await on_file_thread(std::move(read));
  if (!bytes && bytes.error().code == Code::kCorrupt) report_corrupt(bytes.error(), 0, segment.file);
  co_return bytes;
}

Result<std::vector<Segment>> DurableStore::find_segments(const Row& row) {
  std::vector<Segment> segments;
  auto done = database_.read([&](Connection& connection) { return select_segments(connection, row.body, segments); });
  std::uint64_t size = 0;
  for (const Segment& segment : segments) size += static_cast<std::uint64_t>(segment.size);
  if (done && size != row.info.size) done = corrupt_body();
  if (!done) return done.error();
  return segments;
}

std::unique_ptr<Draft> DurableStore::draft() { return std::make_unique<DurableDraft>(*this); }

Task<Result<ObjectInfo>> DurableStore::put_draft(std::string bucket, std::string key, Draft& draft, Put options) {
  auto& bytes = static_cast<DurableDraft&>(draft);
  if (bytes.is_short()) {
    Bytes body = bytes.take_rest();
    co_return co_await put(std::move(bucket), std::move(key), std::move(body), std::move(options));
  }
  if (Result<void> checked = check_key(key); !checked) co_return checked.error();
  if (Result<void> checked = check_metadata(options.metadata); !checked) co_return checked.error();
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) co_return id.error();
  auto etag = co_await bytes.finish();
  if (!etag) co_return etag.error();
  Row row = make_row(*id, std::move(key), bytes.size(), options);
  row.place = Place::kSegments;
  row.info.etag = std::move(*etag);
  std::vector<std::int64_t> orphans;
  Database::Operation write = [&](Connection& connection) {
    return write_row(connection, row, {}, bytes.segments(), options, orphans);
  };
  const Result<void> done = co_await database_.commit(std::move(write));
  if (!done) co_return done.error();
  bytes.keep();
  if (!orphans.empty()) unlink_files(std::move(orphans));
  co_return std::move(row.info);
}

Task<Result<Opened>> DurableStore::open(std::string bucket, std::string key, std::optional<Range> range) {
  auto found = find(bucket, key, false);
  if (!found) co_return found.error();
  Opened opened;
  if (found->first.place != Place::kSegments) {
    auto object = co_await get(bucket, key, range);
    if (!object) co_return object.error();
    if (const auto span = span_of(range, object->info.size)) opened.first = span->first;
    opened.size = object->body.size();
    opened.info = std::move(object->info);
    opened.body = std::make_unique<ShortBody>(std::move(object->body));
    co_return opened;
  }
  auto segments = find_segments(found->first);
  if (!segments && segments.error().code == Code::kCorrupt) {
    // Replaced or removed between the two looks?
    const std::int64_t body = found->first.body;
    found = find(bucket, key, false);
    if (!found) co_return found.error();
    if (found->first.body != body) co_return co_await open(bucket, key, range);
    report_corrupt(segments.error(), found->first.bucket, body);
  }
  if (!segments) co_return segments.error();
  opened.info = found->first.info;
  const auto span = span_of(range, opened.info.size);
  if (!span) co_return span.error();
  auto body = std::make_unique<SegmentedBody>(*this, std::move(*segments), *span);
  const auto begun = co_await body->begin();
  if (!begun) co_return begun.error();
  opened.first = span->first;
  opened.size = span->size;
  opened.body = std::move(body);
  co_return opened;
}

Task<Result<Object>> DurableStore::get_segments(std::string bucket, std::string key, std::optional<Range> range) {
  auto opened = co_await open(std::move(bucket), std::move(key), range);
  if (!opened) co_return opened.error();
  Object object;
  object.info = std::move(opened->info);
  object.body.reserve(opened->size);
  while (object.body.size() < opened->size) {
    const auto piece = co_await opened->body->next();
    if (!piece) co_return piece.error();
    object.body.append(*piece);
  }
  co_return object;
}

Task<Result<std::string>> DurableStore::begin_upload(std::string bucket, std::string key, Put options) {
  if (Result<void> checked = check_key(key); !checked) co_return checked.error();
  if (Result<void> checked = check_metadata(options.metadata); !checked) co_return checked.error();
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) co_return id.error();
  UploadRow row{0, *id, std::move(key), std::move(options.content_type), pack(options.metadata), clock_.wall_ms()};
  Database::Operation begin = [&row](Connection& connection) -> Result<void> {
    Rows rows =
        connection.query("INSERT INTO uploads VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
                         {row.bucket, row.key, row.content_type, row.metadata, row.created_ms, checksum_of(row)});
    while (rows.next()) row.id = rows.integer(0);
    return rows.status();
  };
  const Result<void> begun = co_await database_.commit(std::move(begin));
  if (!begun) co_return begun.error();
  co_return upload_id(row.id, row.created_ms);
}

Task<Result<Part>> DurableStore::put_part(UploadName upload, std::uint32_t number, Draft& draft) {
  auto& bytes = static_cast<DurableDraft&>(draft);
  const Result<std::int64_t> bucket = bucket_id(upload.bucket);
  if (!bucket) co_return bucket.error();
  auto etag = co_await bytes.finish();
  if (!etag) co_return etag.error();
  const PartRow row{{number, std::move(*etag), bytes.size(), clock_.wall_ms()}, ++last_body_};
  std::vector<std::int64_t> orphans;
  Database::Operation write = [&](Connection& connection) -> Result<void> {
    const auto found = find_upload(connection, *bucket, upload);
    if (!found) return found.error();
    std::optional<std::int64_t> replaced;
    {
      Rows rows = connection.query("SELECT body FROM parts WHERE upload = ?1 AND number = ?2",
                                   {found->id, std::int64_t{number}});
      if (rows.next()) replaced = rows.integer(0);
      if (!rows.status()) return rows.status();
    }
    Result<void> done;
    if (replaced) done = delete_segments(connection, *replaced, orphans);
    if (done) done = insert_segments(connection, row.body, bytes.segments());
    if (!done) return done;
    return connection.run("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                          {found->id, std::int64_t{number}, row.part.etag, static_cast<std::int64_t>(row.part.size),
                           row.part.modified_ms, row.body, checksum_of(found->id, row)});
  };
  const Result<void> done = co_await database_.commit(std::move(write));
  if (!done) co_return done.error();
  bytes.keep();
  if (!orphans.empty()) unlink_files(std::move(orphans));
  co_return row.part;
}

Task<Result<ObjectInfo>> DurableStore::complete_upload(UploadName upload, std::vector<PartName> parts, Put conditions) {
  const Result<std::int64_t> bucket = bucket_id(upload.bucket);
  if (!bucket) co_return bucket.error();
  Row row = make_row(*bucket, upload.key, 0, conditions);
  row.place = Place::kSegments;
  std::vector<std::int64_t> orphans;
  // The parts' segments become the object's: no byte is copied.
  Database::Operation complete = [&](Connection& connection) -> Result<void> {
    const auto found = find_upload(connection, *bucket, upload);
    if (!found) return found.error();
    const auto put = select_parts(connection, found->id);
    if (!put) return put.error();
    std::vector<Part> all;
    for (const PartRow& part : *put) all.push_back(part.part);
    const auto chosen = choose_parts(all, parts);
    if (!chosen) return chosen.error();
    std::vector<Segment> segments;
    auto next = put->begin();
    for (const Part& part : *chosen) {
      next = std::find_if(next, put->end(), [&](const PartRow& one) { return one.part.number == part.number; });
      if (auto done = select_segments(connection, next->body, segments); !done) return done;
      if (auto done = connection.run("DELETE FROM segments WHERE body = ?1", {next->body}); !done) return done;
      row.info.size += part.size;
    }
    row.info.etag = etag_of(*chosen);
    row.info.content_type = found->content_type;
    row.info.metadata = unpack(found->metadata);
    if (auto done = delete_upload(connection, found->id, orphans); !done) return done;
    return write_row(connection, row, {}, segments, conditions, orphans);
  };
  const Result<void> done = co_await database_.commit(std::move(complete));
  if (!done) co_return done.error();
  if (!orphans.empty()) unlink_files(std::move(orphans));
  co_return std::move(row.info);
}

Task<Result<void>> DurableStore::abort_upload(UploadName upload) {
  const Result<std::int64_t> bucket = bucket_id(upload.bucket);
  if (!bucket) co_return bucket.error();
  std::vector<std::int64_t> orphans;
  Database::Operation abort = [&](Connection& connection) -> Result<void> {
    const auto found = find_upload(connection, *bucket, upload);
    if (!found) return found.error();
    return delete_upload(connection, found->id, orphans);
  };
  const Result<void> aborted = co_await database_.commit(std::move(abort));
  if (!aborted || orphans.empty()) co_return aborted;
  const auto unlinked = unlink_files(std::move(orphans));
  co_await unlinked->wait_until(MonoTime::max());
  co_return Result<void>();
}

Task<Result<std::vector<Part>>> DurableStore::list_parts(UploadName upload) {
  const Result<std::int64_t> bucket = bucket_id(upload.bucket);
  if (!bucket) co_return bucket.error();
  std::vector<Part> parts;
  const auto done = database_.read([&](Connection& connection) -> Result<void> {
    const auto found = find_upload(connection, *bucket, upload);
    if (!found) return found.error();
    const auto rows = select_parts(connection, found->id);
    if (!rows) return rows.error();
    for (const PartRow& row : *rows) parts.push_back(row.part);
    return {};
  });
  if (!done) co_return done.error();
  co_return parts;
}

Task<Result<std::vector<OpenUpload>>> DurableStore::list_uploads(std::string bucket) {
  const Result<std::int64_t> id = bucket_id(bucket);
  if (!id) co_return id.error();
  std::vector<OpenUpload> uploads;
  const auto done = database_.read([&](Connection& connection) -> Result<void> {
    Rows rows = connection.query("SELECT id, key, created_ms FROM uploads WHERE bucket = ?1 ORDER BY key, id", {*id});
    while (rows.next())
      uploads.push_back({upload_id(rows.integer(0), rows.integer(2)), std::string(rows.bytes(1)), rows.integer(2)});
    return rows.status();
  });
  if (!done) co_return done.error();
  co_return uploads;
}

}  // namespace

Result<std::unique_ptr<LocalStore>> open_durable_store(const Executor& executor, Database& database, const Clock& clock,
                                                       Log log) {
  auto store = std::make_unique<DurableStore>(executor, database, clock, std::move(log));
  if (auto prepared = store->prepare(); !prepared) return prepared.error();
  return std::unique_ptr<LocalStore>(std::move(store));
}

}  // namespace facefleet::store
