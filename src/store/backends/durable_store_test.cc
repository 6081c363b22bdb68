// What only the durable backend promises: that acknowledged means on disk, whatever happens next.
#include "store/backends/durable_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <map>
#include <sstream>

#include "base/file.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/testing.h"

namespace facefleet::store {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kLarge = 300'000;  // in a file of its own

// One life of a process on a folder.
class Life {
 public:
  explicit Life(const fs::path& folder) {
    database_ = Database::open(context_.get_executor(), folder, Log::silent()).value();
    store_ = open_durable_store(context_.get_executor(), *database_, clock_, Log::silent()).value();
    EXPECT_TRUE(run(store_->create_bucket("photos")));
  }

  template <class T>
  T run(Task<T> task) {
    return run_task(context_, std::move(task));
  }

  void put(const std::string& key, const Bytes& body) { ASSERT_TRUE(run(store_->put("photos", key, body, {}))); }
  Result<Object> get(const std::string& key) { return run(store_->get("photos", key, {})); }
  Bytes body_of(const std::string& key) { return get(key).value().body; }
  void remove(const std::string& key) { ASSERT_TRUE(run(store_->remove("photos", {key}))); }

  std::vector<std::string> keys() {
    std::vector<std::string> found;
    List query;
    for (bool more = true; more;) {
      const Listing listing = run(store_->list("photos", query)).value();
      for (const ObjectInfo& info : listing.objects) found.push_back(info.key);
      more = listing.truncated;
      query.start_after = listing.next_start_after;
    }
    return found;
  }

  asio::io_context& context() { return context_; }
  LocalStore& store() { return *store_; }
  std::unique_ptr<Draft> draft_of(const Bytes& body) {
    auto draft = store_->draft();
    EXPECT_TRUE(run(draft->append(body)));
    return draft;
  }

 private:
  asio::io_context context_;
  SystemClock clock_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LocalStore> store_;
};

class DurableStoreTest : public testing::Test {
 protected:
  std::vector<fs::path> files() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_.path() / "objects")) found.push_back(entry.path());
    return found;
  }

  std::uintmax_t bytes_on_disk() {
    std::uintmax_t sum = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) sum += entry.file_size();
    }
    return sum;
  }

  // Flips one bit of the first place that holds `bytes`.
  static void damage(const fs::path& path, const std::string& bytes) {
    Bytes content = read_file(path).value();
    const std::size_t at = content.find(bytes);
    ASSERT_NE(at, std::string::npos);
    content[at] = static_cast<char>(content[at] ^ 4);
    ASSERT_TRUE(write_file_atomic(path, content));
  }

  TemporaryFolder folder_;
};

TEST_F(DurableStoreTest, ReopeningKeepsObjectsAndBuckets) {
  Put options;
  options.content_type = "image/png";
  options.metadata = {{"a", "1"}, {"b", ""}};
  ObjectInfo written;
  {
    Life life(folder_.path());
    written = life.run(life.store().put("photos", "small", "body", options)).value();
    life.put("large", Bytes(kLarge, 'x'));
    life.put("removed", "y");
    life.remove("removed");
    ASSERT_TRUE(life.run(life.store().create_bucket("gone")));
    ASSERT_TRUE(life.run(life.store().remove_bucket("gone")));
  }
  Life life(folder_.path());
  EXPECT_THAT(life.keys(), ElementsAre("large", "small"));
  const Object small = life.get("small").value();
  EXPECT_EQ(small.body, "body");
  EXPECT_EQ(small.info.content_type, "image/png");
  EXPECT_EQ(small.info.metadata, options.metadata);
  EXPECT_EQ(small.info.etag, written.etag);
  EXPECT_EQ(small.info.modified_ms, written.modified_ms);
  EXPECT_TRUE(life.body_of("large") == Bytes(kLarge, 'x'));
  EXPECT_FALSE(life.run(life.store().has_bucket("gone")).value());
}

TEST_F(DurableStoreTest, AFlippedBitCostsOneObject) {
  {
    Life life(folder_.path());
    life.put("good", "a good body");
    life.put("bad body", "a body gone bad");
    life.put("bad record", "x");
    life.put("large", "here" + Bytes(kLarge, 'x'));
  }
  damage(folder_.path() / "facefleet.db", "a body gone bad");
  damage(folder_.path() / "facefleet.db", "application/octet-stream");  // the first on the page is the last written
  ASSERT_EQ(files().size(), 1U);
  damage(files().front(), "here");

  Life life(folder_.path());
  EXPECT_EQ(life.get("bad body").error().code, Code::kCorrupt);
  EXPECT_EQ(life.get("large").error().code, Code::kCorrupt);
  int corrupt_records = 0;
  for (const char* key : {"good", "bad body", "bad record", "large"}) {
    const auto head = life.run(life.store().head("photos", key));
    if (head) continue;
    ++corrupt_records;
    EXPECT_EQ(head.error().code, Code::kCorrupt);
    EXPECT_EQ(life.get(key).error().code, Code::kCorrupt);
    life.put(key, "mended");
    EXPECT_EQ(life.body_of(key), "mended");
  }
  EXPECT_EQ(corrupt_records, 1);
  EXPECT_EQ(life.body_of("good"), "a good body");
}

TEST_F(DurableStoreTest, AMissingFileIsCorruptNotAbsent) {
  Life life(folder_.path());
  life.put("large", Bytes(kLarge, 'x'));
  fs::remove(files().at(0));
  EXPECT_EQ(life.get("large").error().code, Code::kCorrupt);
}

TEST_F(DurableStoreTest, RemovedAndReplacedFilesAreGone) {
  Life life(folder_.path());
  life.put("a", Bytes(kLarge, 'x'));
  life.put("b", Bytes(kLarge, 'x'));
  life.put("b", "small");
  life.remove("a");  // waits for the file thread, which removed the replaced one before
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(DurableStoreTest, ARefusedPutLeavesNoFile) {
  {
    Life life(folder_.path());
    life.put("a", "x");
    Put options;
    options.if_absent = true;
    EXPECT_EQ(life.run(life.store().put("photos", "a", Bytes(kLarge, 'x'), options)).error().code, Code::kConflict);
    EXPECT_EQ(life.body_of("a"), "x");
    life.put("b", Bytes(kLarge, 'y'));
    life.remove("b");  // as above
  }
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(DurableStoreTest, OpeningSweepsFilesThatNoObjectOwns) {
  {
    Life life(folder_.path());
    life.put("large", Bytes(kLarge, 'x'));
  }
  ASSERT_TRUE(write_file_atomic(folder_.path() / "objects" / "999", "left by a crash"));
  ASSERT_TRUE(write_file_atomic(folder_.path() / "objects" / "7.partial.1", "left by a crash"));
  Life life(folder_.path());
  EXPECT_EQ(files().size(), 1U);
  EXPECT_EQ(life.body_of("large").size(), kLarge);
}

constexpr std::size_t kSegment = limits::kObjectSegmentBytes;

TEST_F(DurableStoreTest, ADraftThatBecomesNothingLeavesNothing) {
  Life life(folder_.path());
  auto draft = life.draft_of(Bytes(2 * kSegment + 1, 'x'));
  EXPECT_EQ(files().size(), 2u);
  EXPECT_FALSE(life.run(life.store().put_draft("nowhere", "k", *draft, {})));
  draft.reset();
  life.put("large", Bytes(kLarge, 'x'));
  life.remove("large");  // which waits for its turn on the thread that removes files
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(DurableStoreTest, ReopeningKeepsSegmentsAndOpenUploads) {
  const Bytes body = Bytes(kSegment, 'a') + Bytes(kSegment, 'b') + "end";
  UploadName upload{"photos", "parts", ""};
  std::string etag;
  {
    Life life(folder_.path());
    auto draft = life.draft_of(body);
    ASSERT_TRUE(life.run(life.store().put_draft("photos", "large", *draft, {})));
    upload.id = life.run(life.store().begin_upload("photos", "parts", {})).value();
    auto part = life.draft_of("of an upload");
    etag = life.run(life.store().put_part(upload, 1, *part)).value().etag;
    auto unowned = life.draft_of(Bytes(kSegment, 'c'));
    (void)unowned.release();  // as a crash would leave it
  }
  Life life(folder_.path());
  EXPECT_EQ(files().size(), 4u);
  EXPECT_TRUE(life.body_of("large") == body);
  ASSERT_TRUE(life.run(life.store().complete_upload(upload, {{1, etag}}, {})));
  EXPECT_EQ(life.body_of("parts"), "of an upload");
  life.put("new", Bytes(kLarge, 'n'));
  EXPECT_TRUE(life.body_of("large") == body) << "no file's name is given twice";
}

TEST_F(DurableStoreTest, AFlippedBitInASegmentIsFoundWhereItLies) {
  Life life(folder_.path());
  auto draft = life.draft_of(Bytes(kSegment, 'a') + Bytes(kSegment, 'b'));
  ASSERT_TRUE(life.run(life.store().put_draft("photos", "large", *draft, {})));
  life.put("good", "untouched");
  for (const fs::path& file : files())
    if (read_file(file).value().starts_with('b')) damage(file, "bbb");
  const auto opened = life.run(life.store().open("photos", "large", {})).value();
  EXPECT_TRUE(life.run(opened.body->next()).value() == Bytes(kSegment, 'a'));
  EXPECT_EQ(life.run(opened.body->next()).error().code, Code::kCorrupt);
  EXPECT_EQ(life.get("large").error().code, Code::kCorrupt);
  EXPECT_EQ(life.run(life.store().open("photos", "large", Range{kSegment})).error().code, Code::kCorrupt);
  EXPECT_TRUE(life.run(life.store().open("photos", "large", Range{0, 9})));
  EXPECT_EQ(life.body_of("good"), "untouched");
}

TEST_F(DurableStoreTest, NoKeyLeavesTheFolder) {
  const fs::path inside = folder_.path() / "data";
  {
    Life life(inside);
    for (const char* key : {"../../x", "/etc/facefleet-test", "../facefleet.db", "a/../../b"}) {
      life.put(key, Bytes(kLarge, 'x'));
      EXPECT_EQ(life.body_of(key).size(), kLarge);
    }
  }
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_.path())) names.push_back(entry.path().filename());
  EXPECT_THAT(names, ElementsAre("data"));
  EXPECT_FALSE(fs::exists("/etc/facefleet-test"));
  Life life(inside);
  EXPECT_EQ(life.keys().size(), 4U);
}

// Photos come and go: what they took is used again or given back.
TEST_F(DurableStoreTest, TheDiskHoldsNoMoreThanTwiceWhatIsAlive) {
  constexpr std::size_t kAlive = 100;
  constexpr std::size_t kBody = 20'000;
  {
    Life life(folder_.path());
    for (std::size_t i = 0; i < 300; ++i) {
      life.put(std::to_string(i), Bytes(kBody, 'x'));
      if (i >= kAlive) life.remove(std::to_string(i - kAlive));
    }
  }
  EXPECT_LT(bytes_on_disk(), 2 * kAlive * kBody);
  Life life(folder_.path());
  EXPECT_EQ(life.keys().size(), kAlive);
}

// ---- SIGKILL at random moments ----

void tell(int fd, char what, const std::string& key) {
  const std::string line = what + key + "\n";
  if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
}

Bytes body_for(const std::string& key, std::size_t size) {
  Bytes body = key + " ";
  body.resize(size, 'x');
  return body;
}

// Puts objects, small and large, and removes every second one again.
Task<> churn(ObjectStore& store, int fd, std::string prefix) {
  for (int i = 0;; ++i) {
    const std::string key = prefix + std::to_string(i);
    tell(fd, 'p', key);
    std::string bucket = "photos";
    std::string put_key = key;
    Bytes body = body_for(key, i % 5 == 0 ? kLarge : 5'000);
    Put options;
    const auto put = co_await store.put(std::move(bucket), std::move(put_key), std::move(body), std::move(options));
    if (!put) continue;
    tell(fd, 'P', key);
    if (i % 2 == 0) continue;
    tell(fd, 'r', key);
    bucket = "photos";
    std::vector<std::string> keys(1, key);
    const auto removed = co_await store.remove(std::move(bucket), std::move(keys));
    if (removed) tell(fd, 'R', key);
  }
}

TEST_F(DurableStoreTest, KilledAtAnyMomentItLosesNothingAcknowledged) {
  const char* given = std::getenv("FACEFLEET_KILL_CYCLES");
  const int cycles = given != nullptr ? std::atoi(given) : 20;
  SystemRandom random;
  std::map<std::string, std::string> told;  // by key, all that was told of it, in order
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const auto lifetime = std::chrono::milliseconds(random.next() % 60);
    const std::string lines = run_and_kill(lifetime, [&](int fd) {
      Life life(folder_.path());
      for (int i = 0; i < 10; ++i) {
        std::string prefix = std::to_string(cycle) + "/" + std::to_string(i) + "/";
        asio::co_spawn(life.context(), churn(life.store(), fd, std::move(prefix)), asio::detached);
      }
      life.context().restart();
      life.context().run();
    });
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line) && !in.eof();) told[line.substr(1)] += line[0];

    Life life(folder_.path());
    std::map<std::string, bool> there;
    for (const std::string& key : life.keys()) {
      there[key] = true;
      const auto object = life.get(key);
      ASSERT_TRUE(object) << key;
      EXPECT_TRUE(object->body == body_for(key, object->body.size())) << key;
      EXPECT_TRUE(told.contains(key)) << "never put: " << key;
    }
    for (const auto& [key, history] : told) {
      if (history == "pP") {
        EXPECT_TRUE(there.contains(key)) << "lost: " << key;
      }
      if (history == "pPrR") {
        EXPECT_FALSE(there.contains(key)) << "resurrected: " << key;
      }
    }
    if (HasFailure()) FAIL() << "in cycle " << cycle;
  }
  EXPECT_FALSE(told.empty());
}

}  // namespace
}  // namespace facefleet::store
