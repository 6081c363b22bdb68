// What every LocalStore promises beyond store_contract.h, as tests.
#pragma once

#include "base/hash.h"
#include "base/limits.h"
#include "store/local_store.h"
#include "store/store_contract.h"

namespace facefleet::store {

class LocalStorePlace {
 public:
  virtual ~LocalStorePlace() = default;
  virtual asio::io_context& context() = 0;
  virtual LocalStore& store() = 0;
};

struct LocalStoreBackend {
  std::string name;
  std::function<std::unique_ptr<LocalStorePlace>()> open;
};

inline void PrintTo(const LocalStoreBackend& backend, std::ostream* out) { *out << backend.name; }

class LocalStoreContract : public testing::TestWithParam<LocalStoreBackend> {
 protected:
  void SetUp() override { ASSERT_TRUE(run(store().create_bucket("photos"))); }

  template <class T>
  T run(Task<T> task) {
    return run_task(place_->context(), std::move(task));
  }
  LocalStore& store() { return place_->store(); }

  static Bytes noise(std::size_t size, std::uint64_t seed) {
    Bytes bytes(size, '\0');
    for (char& byte : bytes) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<char>(seed >> 56);
    }
    return bytes;
  }

  std::unique_ptr<Draft> draft_of(BytesView body, std::size_t step = 100'000) {
    auto draft = store().draft();
    for (std::size_t at = 0; at < body.size(); at += step) EXPECT_TRUE(run(draft->append(body.substr(at, step))));
    EXPECT_EQ(draft->size(), body.size());
    return draft;
  }

  Result<ObjectInfo> put(const std::string& key, BytesView body, Put options = {}) {
    const auto draft = draft_of(body);
    return run(store().put_draft("photos", key, *draft, std::move(options)));
  }

  Bytes read(const std::string& key, std::optional<Range> range = {}) {
    const auto opened = run(store().open("photos", key, range)).value();
    Bytes body = read_all(*opened.body);
    EXPECT_EQ(body.size(), opened.size);
    return body;
  }
  Bytes read_all(Body& body) {
    Bytes all;
    for (;;) {
      const BytesView piece = run(body.next()).value();
      if (piece.empty()) return all;
      all.append(piece);
    }
  }

  UploadName begin(const std::string& key, Put options = {}) {
    return {"photos", key, run(store().begin_upload("photos", key, std::move(options))).value()};
  }
  Part put_part(const UploadName& upload, std::uint32_t number, BytesView body) {
    const auto draft = draft_of(body, 1'000'000);
    return run(store().put_part(upload, number, *draft)).value();
  }
  template <class T>
  static void expect_failure(const Result<T>& result, Code code, std::string_view reason) {
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_EQ(result.error().reason, reason);
  }

  std::unique_ptr<LocalStorePlace> place_ = GetParam().open();
};

TEST_P(LocalStoreContract, DraftsOfAllSizesBecomeObjects) {
  constexpr std::size_t kSegment = limits::kObjectSegmentBytes;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{300'000}, kSegment - 1, kSegment, kSegment + 1, 2 * kSegment + 7}) {
    const Bytes body = noise(size, size + 1);
    const ObjectInfo info = put("k", body).value();
    EXPECT_EQ(info.size, size);
    EXPECT_EQ(info.etag, hex(md5(body)));
    EXPECT_TRUE(read("k") == body) << size;
    EXPECT_TRUE(run(store().get("photos", "k", {})).value().body == body) << size;
    EXPECT_EQ(run(store().head("photos", "k")).value().etag, info.etag);
  }
}

TEST_P(LocalStoreContract, RangesAcrossPieces) {
  constexpr std::size_t kSegment = limits::kObjectSegmentBytes;
  const Bytes body = noise(2 * kSegment + 1'000, 3);
  ASSERT_TRUE(put("k", body));
  for (const auto& [first, last] : {std::pair<std::size_t, std::size_t>{0, 0},
                                    {kSegment - 3, kSegment + 3},
                                    {kSegment, 2 * kSegment - 1},
                                    {2 * kSegment, 2 * kSegment + 999},
                                    {5, 2 * kSegment + 5}}) {
    EXPECT_TRUE(read("k", Range{first, last}) == body.substr(first, last - first + 1)) << first << "-" << last;
    EXPECT_TRUE(run(store().get("photos", "k", Range{first, last})).value().body ==
                body.substr(first, last - first + 1));
  }
  expect_failure(run(store().open("photos", "k", Range{body.size()})), Code::kInvalidInput, "invalid_range");
  expect_failure(run(store().open("photos", "none", {})), Code::kNotFound, "no_such_key");
  expect_failure(run(store().open("nowhere", "k", {})), Code::kNotFound, "no_such_bucket");
}

TEST_P(LocalStoreContract, WhoReadsIsNotDisturbedByWhoWrites) {
  const Bytes body = noise(2 * limits::kObjectSegmentBytes + 9, 4);
  ASSERT_TRUE(put("k", body));
  auto opened = run(store().open("photos", "k", {})).value();
  ASSERT_TRUE(put("k", noise(limits::kObjectSegmentBytes + 1, 5)));
  ASSERT_TRUE(run(store().remove("photos", {"k"})));
  EXPECT_TRUE(read_all(*opened.body) == body);
}

TEST_P(LocalStoreContract, ConditionsHoldForDraftsToo) {
  const Bytes large = noise(limits::kObjectSegmentBytes + 1, 6);
  Put absent;
  absent.if_absent = true;
  ASSERT_TRUE(put("k", large, absent));
  expect_failure(put("k", large, absent), Code::kConflict, "precondition_failed");
  EXPECT_TRUE(read("k") == large);
}

TEST_P(LocalStoreContract, PartsBecomeOneObject) {
  Put options;
  options.content_type = "image/jpeg";
  options.metadata = {{"who", "me"}};
  const UploadName upload = begin("k", options);
  const Bytes one = noise(limits::kUploadPartBytesMin, 1), two = noise(limits::kUploadPartBytesMin + 5, 2);
  const Bytes rest = "the end";
  put_part(upload, 7, rest);
  put_part(upload, 2, "replaced below");
  const Part second = put_part(upload, 2, two);
  const Part first = put_part(upload, 1, one);
  const Part last = put_part(upload, 9, rest);
  EXPECT_EQ(second.etag, hex(md5(two)));
  std::vector<std::uint32_t> numbers;
  for (const Part& part : run(store().list_parts(upload)).value()) numbers.push_back(part.number);
  EXPECT_THAT(numbers, ElementsAre(1, 2, 7, 9));
  expect_failure(run(store().get("photos", "k", {})), Code::kNotFound, "no_such_key");

  const ObjectInfo info =
      run(store().complete_upload(upload, {{1, first.etag}, {2, second.etag}, {9, last.etag}}, {})).value();
  EXPECT_EQ(info.etag, hex(md5(md5(one) + md5(two) + md5(rest))) + "-3");
  EXPECT_EQ(info.size, one.size() + two.size() + rest.size());
  EXPECT_TRUE(read("k") == one + two + rest);
  const ObjectInfo head = run(store().head("photos", "k")).value();
  EXPECT_EQ(head.content_type, "image/jpeg");
  EXPECT_EQ(head.metadata, options.metadata);
  expect_failure(run(store().list_parts(upload)), Code::kNotFound, "no_such_upload");
  ASSERT_TRUE(run(store().remove("photos", {"k"})));
}

TEST_P(LocalStoreContract, WhatCannotBeCompletedStaysOpen) {
  const UploadName upload = begin("k");
  const Part one = put_part(upload, 1, "small"), two = put_part(upload, 2, "small too");
  const auto complete = [&](std::vector<PartName> parts) {
    return run(store().complete_upload(upload, std::move(parts), {}));
  };
  expect_failure(complete({{1, one.etag}, {2, two.etag}}), Code::kInvalidInput, "part_too_small");
  expect_failure(complete({{2, two.etag}, {1, one.etag}}), Code::kInvalidInput, "invalid_part_order");
  expect_failure(complete({{1, two.etag}}), Code::kInvalidInput, "invalid_part");
  expect_failure(complete({{3, one.etag}}), Code::kInvalidInput, "invalid_part");
  expect_failure(complete({}), Code::kInvalidInput, "invalid_part");
  EXPECT_TRUE(complete({{1, one.etag}}));
  EXPECT_EQ(read("k"), "small");
}

TEST_P(LocalStoreContract, UploadsAreListedAndAborted) {
  const UploadName b = begin("b"), a = begin("a");
  put_part(b, 1, "x");
  std::vector<std::string> keys;
  for (const OpenUpload& upload : run(store().list_uploads("photos")).value()) keys.push_back(upload.key);
  EXPECT_THAT(keys, ElementsAre("a", "b"));
  ASSERT_TRUE(run(store().abort_upload(b)));
  expect_failure(run(store().abort_upload(b)), Code::kNotFound, "no_such_upload");
  const auto draft = draft_of("x");
  expect_failure(run(store().put_part(b, 1, *draft)), Code::kNotFound, "no_such_upload");
  const UploadName other{"photos", "other key", a.id};
  expect_failure(run(store().abort_upload(other)), Code::kNotFound, "no_such_upload");
  EXPECT_TRUE(run(store().remove_bucket("photos"))) << "an open upload keeps no bucket";
  expect_failure(run(store().begin_upload("photos", "a", {})), Code::kNotFound, "no_such_bucket");
}

}  // namespace facefleet::store
