#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/detached.hpp>
#include <filesystem>
#include <functional>

#include "base/file.h"
#include "base/limits.h"
#include "base/testing.h"
#include "gallery/gallery.h"
#include "gallery/manifest.h"
#include "gallery/testing.h"
#include "store/backends/memory_store.h"
#include "store/hooked_store.h"

namespace facefleet::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDimensions = 64;
constexpr const char* kModel = "sface@0ba9fbfa";
constexpr const char* kBucket = "test-galleries";
constexpr Millis kFresh{0};

class GalleriesTest : public testing::Test {
 protected:
  GalleriesTest()
      : folder_(fs::path(testing::TempDir()) / ("galleries-" + std::to_string(::getpid()))),
        store_(store::open_memory_store(clock_)),
        hooked_(*store_),
        ours_(process("ours")),
        theirs_(process("theirs")) {}
  ~GalleriesTest() override { fs::remove_all(folder_); }

  // The galleries as a process of its own, on a machine called `machine`, sees them.
  std::unique_ptr<Galleries> process(const std::string& machine) {
    return Galleries::open(hooked_, kBucket, folder_ / machine, clock_);
  }

  template <class T>
  T run(Task<T> task) {
    return run_task(context_, std::move(task));
  }

  std::shared_ptr<const Snapshot> snapshot(Galleries& galleries, const std::string& gallery = "default") {
    return run(galleries.snapshot(gallery, kFresh)).value();
  }

  Template template_of(const std::string& person, const std::string& photo) {
    return make_template(person, photo, random_unit(random_, kDimensions));
  }

  Changes add(Galleries& galleries, std::vector<Template> templates, const std::string& gallery = "default") {
    return run(galleries.add(gallery, kModel, std::move(templates))).value();
  }

  std::vector<std::string> keys() {
    auto listing = run(store_->list(kBucket, {}));
    std::vector<std::string> keys;
    if (listing)
      for (const store::ObjectInfo& object : listing->objects) keys.push_back(object.key);
    return keys;
  }

  std::size_t segments_in_store() {
    return static_cast<std::size_t>(
        std::ranges::count_if(keys(), [](const auto& key) { return key.ends_with(".seg"); }));
  }

  // Whether these bytes are anywhere in the store or in a machine's files.
  bool anywhere(BytesView needle) {
    for (const std::string& key : keys())
      if (run(store_->get(kBucket, key, std::nullopt)).value().body.find(needle) != Bytes::npos) return true;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_))
      if (entry.is_regular_file() && read_file(entry.path()).value().find(needle) != Bytes::npos) return true;
    return false;
  }

  bool anywhere(const Template& row) {
    const BytesView floats(reinterpret_cast<const char*>(row.embedding.data()), row.embedding.size() * sizeof(float));
    return anywhere(row.person) || anywhere(row.chip_png) || anywhere(row.source) || anywhere(floats);
  }

  fs::path folder_;
  asio::io_context context_;
  ManualClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<store::ObjectStore> store_;
  store::HookedStore hooked_;
  std::unique_ptr<Galleries> ours_, theirs_;
};

TEST_F(GalleriesTest, WhatDoesNotExistIsEmpty) {
  const auto empty = snapshot(*ours_);
  EXPECT_EQ(empty->version(), 0);
  EXPECT_EQ(empty->size(), 0U);
  EXPECT_EQ(empty->model(), "");
  EXPECT_TRUE(empty->search(random_unit(random_, kDimensions), 5).empty());
  EXPECT_TRUE(run(ours_->list()).value().empty());
  EXPECT_EQ(run(ours_->remove_person("default", "Ada")).error().code, Code::kNotFound);
  EXPECT_EQ(run(ours_->remove_gallery("default")).error().code, Code::kNotFound);
}

TEST_F(GalleriesTest, FindsWhatWasAdded) {
  const Template ada = template_of("Ada", "1"), bob = template_of("Bob", "2");
  const Changes changes = add(*ours_, {ada, bob, template_of("Ada", "3")});
  EXPECT_EQ(changes.added, 3U);
  EXPECT_EQ(changes.version, 1);

  const auto found = snapshot(*theirs_);
  EXPECT_EQ(found->version(), 1);
  EXPECT_EQ(found->model(), kModel);
  EXPECT_EQ(found->size(), 3U);
  ASSERT_EQ(found->persons().size(), 2U);
  EXPECT_EQ(found->persons()[0].person, "Ada");
  EXPECT_EQ(found->persons()[0].templates, 2U);
  EXPECT_TRUE(found->holds("Ada", ada.photo_sha256));
  EXPECT_FALSE(found->holds("Bob", ada.photo_sha256));
  const std::vector<Match> matches = found->search(bob.embedding, 5);
  ASSERT_EQ(matches.size(), 2U);
  EXPECT_EQ(matches[0].person, "Bob");
  EXPECT_NEAR(matches[0].similarity, 1, 1e-6);
  EXPECT_EQ(run(theirs_->list()).value(), std::vector<std::string>{"default"});
}

TEST_F(GalleriesTest, KeepsChipsInTheStoreUntilTheyAreAskedFor) {
  add(*ours_, {template_of("Ada", "1"), template_of("Ada", "2"), template_of("Bob", "3")});
  fs::remove_all(folder_);
  const auto found = snapshot(*theirs_);
  EXPECT_EQ(found->templates("Ada").at(0).chip_png, "");
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_))
    EXPECT_TRUE(!entry.is_regular_file() || read_file(entry.path()).value().find("chip of") == Bytes::npos);

  const std::vector<Template> exported = run(theirs_->templates("default", "Ada")).value();
  ASSERT_EQ(exported.size(), 2U);
  for (const Template& row : exported) EXPECT_EQ(row.chip_png + ".jpg", "chip of " + row.source);
  EXPECT_EQ(run(theirs_->templates("default", "Eve")).error().code, Code::kNotFound);
}

TEST_F(GalleriesTest, TheSamePhotoOfTheSamePersonChangesNothing) {
  const Template ada = template_of("Ada", "1");
  add(*ours_, {ada});
  const Changes again = add(*theirs_, {ada, ada});
  EXPECT_EQ(again.added, 0U);
  EXPECT_EQ(again.present, 2U);
  EXPECT_EQ(again.version, 1);
  Template other = ada;
  other.person = "Bob";
  EXPECT_EQ(add(*ours_, {other, other}).added, 1U);
}

TEST_F(GalleriesTest, LooksAgainOnlyWhenWhatItHasIsTooOld) {
  snapshot(*theirs_);
  add(*ours_, {template_of("Ada", "1")});
  EXPECT_EQ(run(theirs_->snapshot("default", Millis(1000))).value()->version(), 0);
  clock_.advance(Millis(1001));
  EXPECT_EQ(run(theirs_->snapshot("default", Millis(1000))).value()->version(), 1);
}

TEST_F(GalleriesTest, AVersionThatIsAskedForIsFetchedHoweverYoungTheCachedOneIs) {
  snapshot(*theirs_);
  const std::int64_t version = add(*ours_, {template_of("Ada", "1")}).version;
  EXPECT_EQ(run(theirs_->snapshot("default", Millis(1000), 0)).value()->version(), 0);
  EXPECT_EQ(run(theirs_->snapshot("default", Millis(1000), version)).value()->version(), version);
  EXPECT_EQ(run(theirs_->snapshot("default", Millis(1000), version + 7)).value()->version(), version)
      << "a version that never was must not hold anybody up";
}

TEST_F(GalleriesTest, TheNewestVersionIsKnownAtOnceHereAndElsewhereOnceALookIsTooOld) {
  EXPECT_EQ(run(ours_->version("default", Millis(1000))).value(), 0);
  EXPECT_EQ(run(theirs_->version("default", Millis(1000))).value(), 0);
  add(*ours_, {template_of("Ada", "1"), template_of("Bob", "1")});
  EXPECT_EQ(run(ours_->version("default", Millis(1000))).value(), 1);
  EXPECT_EQ(run(theirs_->version("default", Millis(1000))).value(), 0);
  clock_.advance(Millis(1001));
  EXPECT_EQ(run(theirs_->version("default", Millis(1000))).value(), 1);
  run(ours_->remove_person("default", "Ada")).value();
  EXPECT_EQ(run(ours_->version("default", Millis(1000))).value(), 2);
  run(ours_->remove_gallery("default")).value();
  EXPECT_EQ(run(ours_->version("default", Millis(1000))).value(), 3);
  EXPECT_EQ(run(theirs_->version("default", kFresh)).value(), 3);
  EXPECT_EQ(run(theirs_->version("../x", kFresh)).error().code, Code::kInvalidInput);
}

TEST_F(GalleriesTest, ThoseWhoAskForTheVersionTogetherShareALook) {
  add(*ours_, {template_of("Ada", "1")});
  int looks = 0;
  hooked_.before = [&](std::string, std::string) -> Task<Result<void>> {
    ++looks;
    co_return Result<void>{};
  };
  int answers = 0;
  const auto ask = [&]() -> Task<> {
    auto version = co_await theirs_->version("default", Millis(1000));
    EXPECT_EQ(version.value(), 1);
    ++answers;
  };
  clock_.advance(Millis(1));
  for (int i = 0; i < 5; ++i) asio::co_spawn(context_, ask(), asio::detached);
  context_.restart();
  context_.run();
  EXPECT_EQ(answers, 5);
  EXPECT_EQ(looks, 1);
}

TEST_F(GalleriesTest, RefusesNamesAndEmbeddings) {
  Template bad = template_of("Ada", "1");
  bad.person = "unknown";
  EXPECT_EQ(run(ours_->add("default", kModel, {bad})).error().code, Code::kInvalidInput);
  EXPECT_EQ(run(ours_->add("../x", kModel, {})).error().code, Code::kInvalidInput);
  EXPECT_EQ(run(ours_->snapshot("a/b", kFresh)).error().code, Code::kInvalidInput);
  std::vector<Template> mixed = {template_of("Ada", "1"), template_of("Ada", "2")};
  mixed[1].embedding = random_unit(random_, kDimensions / 2);
  EXPECT_EQ(run(ours_->add("default", kModel, mixed)).error().code, Code::kInvalidInput);
  EXPECT_TRUE(keys().empty());
}

TEST_F(GalleriesTest, AGalleryHoldsOneModelsEmbeddings) {
  add(*ours_, {template_of("Ada", "1")});
  auto other = run(theirs_->add("default", "other@1", {template_of("Bob", "2")}));
  EXPECT_EQ(other.error().code, Code::kConflict);
  EXPECT_EQ(other.error().reason, "model_mismatch");
  EXPECT_TRUE(run(theirs_->add("second", "other@1", {template_of("Bob", "2")})));
  run(ours_->remove_person("default", "Ada")).value();
  EXPECT_TRUE(run(theirs_->add("default", "other@1", {template_of("Bob", "2")}))) << "an empty one takes any model";
}

TEST_F(GalleriesTest, TwoWritersAtOnceLoseNothing) {
  constexpr std::size_t kAdds = 20;
  std::size_t done = 0;
  const auto write = [&](Galleries& galleries, std::string prefix) -> Task<> {
    for (std::size_t i = 0; i < kAdds; ++i) {
      std::vector<Template> templates = {template_of("Ada", prefix + std::to_string(i))};
      auto added = co_await galleries.add("default", kModel, std::move(templates));
      EXPECT_TRUE(added) << added.error().message;
      ++done;
    }
  };
  asio::co_spawn(context_, write(*ours_, "ours "), asio::detached);
  asio::co_spawn(context_, write(*ours_, "also ours "), asio::detached);
  asio::co_spawn(context_, write(*theirs_, "theirs "), asio::detached);
  context_.restart();
  context_.run();
  EXPECT_EQ(done, 3 * kAdds);
  const auto all = snapshot(*process("a third"));
  EXPECT_EQ(all->size(), 3 * kAdds);
  EXPECT_EQ(all->version(), static_cast<std::int64_t>(3 * kAdds));
}

TEST_F(GalleriesTest, DeletingAPersonDeletesItsBytesEverywhere) {
  const Template ada = template_of("Ada Lovelace", "portrait of ada"), bob = template_of("Bob", "portrait of bob");
  add(*ours_, {ada, bob});
  snapshot(*theirs_);
  ASSERT_TRUE(anywhere(ada));
  const Changes changes = run(ours_->remove_person("default", ada.person)).value();
  EXPECT_EQ(changes.removed, 1U);
  EXPECT_EQ(changes.version, 2);
  snapshot(*theirs_);  // the other machine's files go when it next looks
  EXPECT_FALSE(anywhere(ada));
  EXPECT_TRUE(anywhere(bob.chip_png));
  EXPECT_EQ(snapshot(*theirs_)->persons().size(), 1U);
  EXPECT_EQ(run(ours_->templates("default", "Bob")).value().at(0).chip_png, bob.chip_png);
  EXPECT_EQ(run(ours_->remove_person("default", ada.person)).error().code, Code::kNotFound);
}

TEST_F(GalleriesTest, DeletingAPersonReachesSegmentsThatWereMergedAway) {
  const Template ada = template_of("Ada Lovelace", "portrait of ada");
  add(*ours_, {ada});
  for (std::size_t i = 0; i < limits::kGallerySmallSegments; ++i) add(*ours_, {template_of("Bob", std::to_string(i))});
  ASSERT_GT(segments_in_store(), 2U) << "merged segments are still there for readers of older versions";
  run(ours_->remove_person("default", ada.person)).value();
  EXPECT_FALSE(anywhere(ada));
}

TEST_F(GalleriesTest, ARemovalThatWasCutShortIsFinishedByTheNext) {
  const Template ada = template_of("Ada Lovelace", "portrait of ada");
  add(*ours_, {ada});
  hooked_.before = [](std::string operation, std::string) -> Task<Result<void>> {
    if (operation == "remove") co_return Error{Code::kUnavailable, "pulled the plug", ""};
    co_return Result<void>{};
  };
  EXPECT_EQ(run(ours_->remove_person("default", ada.person)).error().code, Code::kUnavailable);
  hooked_.before = nullptr;
  ASSERT_TRUE(anywhere(ada));
  EXPECT_EQ(run(theirs_->remove_person("default", ada.person)).error().code, Code::kNotFound);
  EXPECT_FALSE(anywhere(ada));
}

TEST_F(GalleriesTest, DeletingAGalleryDeletesItsBytes) {
  const Template ada = template_of("Ada Lovelace", "portrait of ada");
  add(*ours_, {ada});
  add(*ours_, {template_of("Bob", "2")}, "second");
  EXPECT_TRUE(run(ours_->remove_gallery("default")));
  EXPECT_FALSE(anywhere(ada));
  EXPECT_EQ(snapshot(*theirs_)->version(), 0);
  EXPECT_EQ(run(theirs_->list()).value(), std::vector<std::string>{"second"});
  EXPECT_EQ(run(theirs_->remove_gallery("default")).error().code, Code::kNotFound);
  EXPECT_EQ(add(*theirs_, {ada}).version, 3) << "a version never means two states";
  EXPECT_EQ(snapshot(*ours_)->size(), 1U);
}

TEST_F(GalleriesTest, ManySmallAddsMakeFewSegments) {
  constexpr std::size_t kAdds = 100;
  for (std::size_t i = 0; i < kAdds; ++i) {
    add(*ours_, {template_of(person_name(i % 7), std::to_string(i))});
    clock_.advance(Millis(limits::kGalleryRetiredMs));
  }
  EXPECT_LE(segments_in_store(), 2 * limits::kGallerySmallSegments + 1);
  const auto all = snapshot(*theirs_);
  EXPECT_EQ(all->size(), kAdds);
  for (std::size_t i = 0; i < kAdds; ++i) EXPECT_TRUE(all->holds(person_name(i % 7), hex(sha256(std::to_string(i)))));
}

TEST_F(GalleriesTest, AReaderOvertakenByADeletionSeesTheNewerVersionWhole) {
  add(*ours_, {template_of("Ada", "1"), template_of("Bob", "2")});
  bool interfered = false;
  hooked_.before = [&](std::string operation, std::string key) -> Task<Result<void>> {
    if (interfered || operation != "get" || !key.ends_with(".seg")) co_return Result<void>{};
    interfered = true;  // the reader has the manifest, and asks for a segment: too late
    auto removed = co_await ours_->remove_person("default", "Ada");
    EXPECT_TRUE(removed);
    co_return Result<void>{};
  };
  const auto found = snapshot(*theirs_);
  EXPECT_TRUE(interfered);
  EXPECT_EQ(found->version(), 2);
  EXPECT_EQ(found->size(), 1U);
}

TEST_F(GalleriesTest, AnOlderSnapshotOutlivesItsFiles) {
  const Template ada = template_of("Ada", "1");
  add(*ours_, {ada});
  const auto old = snapshot(*ours_);
  run(ours_->remove_gallery("default")).value();
  EXPECT_EQ(old->search(ada.embedding, 1).at(0).person, "Ada");
}

TEST_F(GalleriesTest, NoticesADamagedSegmentInTheStore) {
  add(*ours_, {template_of("Ada", "1")});
  for (const std::string& key : keys()) {
    if (!key.ends_with(".seg")) continue;
    Bytes body = run(store_->get(kBucket, key, std::nullopt)).value().body;
    body[300] ^= 1;
    run(store_->put(kBucket, key, body, {})).value();
  }
  EXPECT_EQ(run(theirs_->snapshot("default", kFresh)).error().code, Code::kCorrupt);
}

TEST_F(GalleriesTest, FetchesADamagedFileAnew) {
  const Template ada = template_of("Ada", "1");
  add(*ours_, {ada});
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_))
    if (entry.is_regular_file()) {
      Bytes bytes = read_file(entry.path()).value();
      bytes[300] ^= 1;
      ASSERT_TRUE(write_file_atomic(entry.path(), bytes));
    }
  EXPECT_EQ(snapshot(*process("ours"))->search(ada.embedding, 1).at(0).person, "Ada");
}

TEST_F(GalleriesTest, LeavesNothingBehindWhenAnotherWriterWins) {
  add(*ours_, {template_of("Ada", "1")});
  bool interfered = false;
  hooked_.before = [&](std::string operation, std::string key) -> Task<Result<void>> {
    if (interfered || operation != "put" || key != manifest_key("default")) co_return Result<void>{};
    interfered = true;
    std::vector<Template> templates = {template_of("Eve", "3")};
    auto added = co_await theirs_->add("default", kModel, std::move(templates));
    EXPECT_TRUE(added);
    co_return Result<void>{};
  };
  EXPECT_EQ(add(*ours_, {template_of("Bob", "2")}).version, 3);
  EXPECT_EQ(segments_in_store(), 3U);
  EXPECT_EQ(snapshot(*ours_)->size(), 3U);
}

TEST_F(GalleriesTest, DeletesNothingOfAChangeThatWasMadeThoughItsWriterHearsOfAConflict) {
  add(*ours_, {template_of("Ada", "1")});
  bool interfered = false;
  hooked_.after = [&](std::string operation, std::string key) -> Task<Result<void>> {
    if (interfered || operation != "put" || key != manifest_key("default")) co_return Result<void>{};
    interfered = true;
    std::vector<Template> templates = {template_of("Eve", "3")};
    auto added = co_await theirs_->add("default", kModel, std::move(templates));
    EXPECT_TRUE(added);
    co_return Error{Code::kConflict, "it was sent twice, and refused the second time", "precondition_failed"};
  };
  const Changes changes = add(*ours_, {template_of("Bob", "2")});
  EXPECT_EQ(changes.present, 1U);
  EXPECT_EQ(changes.version, 3);
  EXPECT_EQ(segments_in_store(), 3U);
  EXPECT_EQ(snapshot(*process("elsewhere"))->size(), 3U);
}

}  // namespace
}  // namespace facefleet::gallery
