// What every ObjectStore promises, as tests. A backend joins with one line in one source file of its
// tests:
//
//     INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values(StoreBackend{"memory", open_memory}));
//
// Nothing here depends on a clock that the test could move, so that it can be run through the S3 door.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/testing.h"
#include "store/object_store.h"

namespace facefleet::store {

// A store under test, with all that it needs.
class StorePlace {
 public:
  virtual ~StorePlace() = default;
  virtual asio::io_context& context() = 0;
  virtual ObjectStore& store() = 0;
};

struct StoreBackend {
  std::string name;
  std::function<std::unique_ptr<StorePlace>()> open;  // an empty place
};

inline void PrintTo(const StoreBackend& backend, std::ostream* out) { *out << backend.name; }

using testing::ElementsAre;
using testing::IsEmpty;

class StoreContract : public testing::TestWithParam<StoreBackend> {
 protected:
  void SetUp() override { ASSERT_TRUE(run(store().create_bucket("photos"))); }

  template <class T>
  T run(Task<T> task) {
    return run_task(place_->context(), std::move(task));
  }

  Result<ObjectInfo> put(const std::string& key, Bytes body, Put options = {}) {
    return run(store().put("photos", key, std::move(body), std::move(options)));
  }
  Result<Object> get(const std::string& key, std::optional<Range> range = {}) {
    return run(store().get("photos", key, range));
  }
  Bytes body_of(const std::string& key, std::optional<Range> range = {}) { return get(key, range).value().body; }
  Listing list(List query = {}) { return run(store().list("photos", std::move(query))).value(); }
  Result<void> remove(std::vector<std::string> keys) { return run(store().remove("photos", std::move(keys))); }

  static std::vector<std::string> keys(const Listing& listing) {
    std::vector<std::string> out;
    for (const ObjectInfo& info : listing.objects) out.push_back(info.key);
    return out;
  }

  template <class T>
  static void expect_failure(const Result<T>& result, Code code, std::string_view reason = {}) {
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().code, code) << result.error().message;
    if (!reason.empty()) {
      EXPECT_EQ(result.error().reason, reason);
    }
  }

  // Bytes that differ from place to place and between seeds.
  static Bytes noise(std::size_t size, std::uint64_t seed = 1) {
    Bytes bytes(size, '\0');
    for (char& byte : bytes) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<char>(seed >> 56);
    }
    return bytes;
  }

  ObjectStore& store() { return place_->store(); }

  std::unique_ptr<StorePlace> place_ = GetParam().open();
};

TEST_P(StoreContract, BucketsAreMadeOnceAndRemovedWhenEmpty) {
  EXPECT_TRUE(run(store().create_bucket("photos")));
  EXPECT_TRUE(run(store().has_bucket("photos")).value());
  EXPECT_FALSE(run(store().has_bucket("others")).value());
  ASSERT_TRUE(run(store().create_bucket("another")));
  std::vector<std::string> names;
  for (const Bucket& bucket : run(store().list_buckets()).value()) names.push_back(bucket.name);
  EXPECT_THAT(names, ElementsAre("another", "photos"));

  ASSERT_TRUE(put("a", "x"));
  expect_failure(run(store().remove_bucket("photos")), Code::kConflict);
  EXPECT_EQ(body_of("a"), "x");
  ASSERT_TRUE(remove({"a"}));
  EXPECT_TRUE(run(store().remove_bucket("photos")));
  EXPECT_FALSE(run(store().has_bucket("photos")).value());
  expect_failure(run(store().remove_bucket("photos")), Code::kNotFound, "no_such_bucket");
}

TEST_P(StoreContract, RefusesBadBucketNames) {
  for (const std::string& name : {std::string(), std::string("ab"), std::string("A-b-c"), std::string("a/b"),
                                  std::string("a_b_c"), std::string("a b c"), std::string(64, 'a')})
    expect_failure(run(store().create_bucket(name)), Code::kInvalidInput);
  EXPECT_TRUE(run(store().create_bucket(std::string(63, 'a'))));
}

TEST_P(StoreContract, WhatIsNotThereIsNotFound) {
  expect_failure(get("a"), Code::kNotFound, "no_such_key");
  expect_failure(run(store().head("photos", "a")), Code::kNotFound);  // a HEAD reply has no body to say more
  expect_failure(run(store().get("others", "a", {})), Code::kNotFound, "no_such_bucket");
  expect_failure(run(store().put("others", "a", "x", {})), Code::kNotFound, "no_such_bucket");
  expect_failure(run(store().remove("others", {"a"})), Code::kNotFound, "no_such_bucket");
  expect_failure(run(store().list("others", {})), Code::kNotFound, "no_such_bucket");
  EXPECT_TRUE(remove({"a"}));
}

TEST_P(StoreContract, AnObjectTravelsWhole) {
  Put options;
  options.content_type = "image/jpeg";
  options.metadata = {{"job", "01HX"}, {"note", "two words"}};
  const ObjectInfo info = put("a/b.jpg", "hello", options).value();
  EXPECT_EQ(info.etag, "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(info.size, 5U);
  const Object object = get("a/b.jpg").value();
  EXPECT_EQ(object.body, "hello");
  EXPECT_EQ(object.info.key, "a/b.jpg");
  EXPECT_EQ(object.info.size, 5U);
  EXPECT_EQ(object.info.etag, info.etag);
  EXPECT_EQ(object.info.content_type, "image/jpeg");
  EXPECT_EQ(object.info.metadata, options.metadata);
  EXPECT_GT(object.info.modified_ms, 1'600'000'000'000);
  const ObjectInfo head = run(store().head("photos", "a/b.jpg")).value();
  EXPECT_EQ(head.etag, info.etag);
  EXPECT_EQ(head.size, 5U);
  EXPECT_EQ(head.metadata, options.metadata);
}

TEST_P(StoreContract, BodiesOfAllSizesComeBack) {
  for (const std::size_t size : {0UL, 1UL, 20'000UL, 262'144UL, 262'145UL, 5'000'000UL}) {
    const Bytes body = noise(size, size + 1);
    const std::string key = std::to_string(size);
    EXPECT_EQ(put(key, body).value().size, size);
    EXPECT_TRUE(body_of(key) == body) << size;
  }
}

TEST_P(StoreContract, APutReplacesWhatWasThere) {
  const std::vector<Bytes> bodies = {"small", noise(300'000), "small again", noise(400'000, 2), ""};
  for (const Bytes& body : bodies) {
    ASSERT_TRUE(put("a", body));
    EXPECT_TRUE(body_of("a") == body);
  }
  EXPECT_THAT(keys(list()), ElementsAre("a"));
}

TEST_P(StoreContract, OddKeysAreKeysLikeAnyOther) {
  const std::vector<std::string> odd = {"../x",
                                        "/",
                                        "//a",
                                        "a b+c%20&d=e",
                                        "ä/ö.jpg",
                                        "..",
                                        "\xf0\x9f\x99\x82",
                                        "a?b#c",
                                        "~-_.",
                                        std::string(1'024, 'k'),
                                        "'\"<x>",
                                        "a\\b"};
  for (const std::string& key : odd) ASSERT_TRUE(put(key, "body of " + key)) << key;
  for (const std::string& key : odd) EXPECT_EQ(body_of(key), "body of " + key);
  std::vector<std::string> sorted = odd;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(keys(list()), sorted);
  ASSERT_TRUE(remove(odd));
  EXPECT_THAT(keys(list()), IsEmpty());
}

TEST_P(StoreContract, RefusesKeysThatAreNone) {
  expect_failure(put("", "x"), Code::kInvalidInput);
  expect_failure(put(std::string(1'025, 'k'), "x"), Code::kInvalidInput);
}

TEST_P(StoreContract, PutIfAbsentHappensOnce) {
  Put options;
  options.if_absent = true;
  ASSERT_TRUE(put("a", "first", options));
  expect_failure(put("a", "second", options), Code::kConflict);
  EXPECT_EQ(body_of("a"), "first");
  ASSERT_TRUE(remove({"a"}));
  EXPECT_TRUE(put("a", "third", options));
}

TEST_P(StoreContract, PutIfEtagNeedsThatVersion) {
  const std::string first = put("a", "first").value().etag;
  Put options;
  options.if_etag = first;
  const std::string second = put("a", "second", options).value().etag;
  expect_failure(put("a", "third", options), Code::kConflict);
  EXPECT_EQ(body_of("a"), "second");
  options.if_etag = second;
  EXPECT_TRUE(put("a", noise(300'000), options));
  ASSERT_TRUE(remove({"a"}));
  EXPECT_FALSE(put("a", "x", options));
  EXPECT_FALSE(get("a"));
}

TEST_P(StoreContract, OfManyConditionalPutsOneWins) {
  int running = 20;
  int won = 0;
  for (int i = 0; i < 20; ++i) {
    Put options;
    options.if_absent = true;
    asio::co_spawn(place_->context(), store().put("photos", "a", std::to_string(i), options),
                   [&](std::exception_ptr error, const Result<ObjectInfo>& result) {
                     EXPECT_EQ(error, nullptr);
                     --running;
                     won += result ? 1 : 0;
                     EXPECT_TRUE(result || result.error().code == Code::kConflict) << result.error().message;
                   });
  }
  place_->context().restart();
  while (running > 0 && place_->context().run_one() > 0) {
  }
  EXPECT_EQ(won, 1);
}

TEST_P(StoreContract, RangesCutOutOfTheBody) {
  ASSERT_TRUE(put("a", "0123456789"));
  EXPECT_EQ(body_of("a", Range{2, 4}), "234");
  EXPECT_EQ(body_of("a", Range{0, 0}), "0");
  EXPECT_EQ(body_of("a", Range{7}), "789");
  EXPECT_EQ(body_of("a", Range{9, 100}), "9");
  EXPECT_EQ(get("a", Range{2, 4}).value().info.size, 10U);
  expect_failure(get("a", Range{10, 12}), Code::kInvalidInput, "invalid_range");
  const Bytes large = noise(300'000);
  ASSERT_TRUE(put("large", large));
  EXPECT_TRUE(body_of("large", Range{299'990}) == large.substr(299'990));
  EXPECT_TRUE(body_of("large", Range{100, 200'000}) == large.substr(100, 199'901));
  ASSERT_TRUE(put("empty", ""));
  expect_failure(get("empty", Range{0, 0}), Code::kInvalidInput, "invalid_range");
}

TEST_P(StoreContract, RemoveTakesManyKeysAndForgivesMissingOnes) {
  std::vector<std::string> all;
  for (int i = 0; i < 25; ++i) {
    all.push_back("k" + std::to_string(i));
    ASSERT_TRUE(put(all.back(), i % 5 == 0 ? noise(300'000) : noise(10)));
  }
  ASSERT_TRUE(put("stays", "x"));
  all.push_back("never-was");
  ASSERT_TRUE(remove(all));
  EXPECT_THAT(keys(list()), ElementsAre("stays"));
  EXPECT_TRUE(remove({}));
}

TEST_P(StoreContract, ListsByPrefixInBytewiseOrder) {
  for (const char* key : {"b", "a/2", "a/1", "a", "ab", "c/1"}) ASSERT_TRUE(put(key, "x"));
  EXPECT_THAT(keys(list()), ElementsAre("a", "a/1", "a/2", "ab", "b", "c/1"));
  EXPECT_THAT(keys(list({.prefix = "a/"})), ElementsAre("a/1", "a/2"));
  EXPECT_THAT(keys(list({.prefix = "a"})), ElementsAre("a", "a/1", "a/2", "ab"));
  EXPECT_THAT(keys(list({.prefix = "x"})), IsEmpty());
  EXPECT_THAT(keys(list({.start_after = "a/1"})), ElementsAre("a/2", "ab", "b", "c/1"));
  EXPECT_THAT(keys(list({.prefix = "a/", .start_after = "a/1"})), ElementsAre("a/2"));
  EXPECT_THAT(keys(list({.prefix = "b", .start_after = "a"})), ElementsAre("b"));
  const Listing listing = list({.prefix = "c/"});
  EXPECT_EQ(listing.objects.at(0).size, 1U);
  EXPECT_EQ(listing.objects.at(0).etag, "9dd4e461268c8034f5c8564e155c67a6");
  EXPECT_GT(listing.objects.at(0).modified_ms, 1'600'000'000'000);
}

TEST_P(StoreContract, ADelimiterRollsKeysUp) {
  for (const char* key : {"a", "b/1", "b/2/x", "b/3", "c/1", "d"}) ASSERT_TRUE(put(key, "x"));
  const Listing top = list({.delimiter = "/"});
  EXPECT_THAT(keys(top), ElementsAre("a", "d"));
  EXPECT_THAT(top.prefixes, ElementsAre("b/", "c/"));
  const Listing below = list({.prefix = "b/", .delimiter = "/"});
  EXPECT_THAT(keys(below), ElementsAre("b/1", "b/3"));
  EXPECT_THAT(below.prefixes, ElementsAre("b/2/"));
  EXPECT_FALSE(below.truncated);
}

TEST_P(StoreContract, PagesOfAnySizeJoinToTheWhole) {
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(put("dir" + std::to_string(i % 3) + "/" + std::to_string(i), "x"));
    ASSERT_TRUE(put("key" + std::to_string(i), "x"));
  }
  for (std::uint32_t max = 1; max <= 13; ++max) {
    std::vector<std::string> found;
    List query{.delimiter = "/", .max = max};
    for (bool more = true; more;) {
      const Listing page = list(query);
      ASSERT_LE(page.objects.size() + page.prefixes.size(), max);
      for (const std::string& prefix : page.prefixes) found.push_back(prefix);
      for (const ObjectInfo& info : page.objects) found.push_back(info.key);
      more = page.truncated;
      query.start_after = page.next_start_after;
    }
    EXPECT_THAT(found, ElementsAre("dir0/", "dir1/", "dir2/", "key0", "key1", "key2", "key3", "key4", "key5", "key6",
                                   "key7", "key8"))
        << "pages of " << max;
  }
}

}  // namespace facefleet::store
