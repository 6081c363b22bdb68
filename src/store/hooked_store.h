// For tests only: a store that passes everything on, between two hooks that may change the world.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "store/object_store.h"

namespace facefleet::store {

class HookedStore final : public ObjectStore {
 public:
  // Of "head", "put", "get" and "remove", with the (first) key. An error of `before` is the answer, and nothing is
  // done; one of `after` stands in the place of what was done.
  using Hook = std::function<Task<Result<void>>(std::string operation, std::string key)>;

  explicit HookedStore(ObjectStore& inner) : inner_(inner) {}
  Hook before, after;

  Task<Result<void>> create_bucket(std::string bucket) override { return inner_.create_bucket(bucket); }
  Task<Result<void>> remove_bucket(std::string bucket) override { return inner_.remove_bucket(bucket); }
  Task<Result<std::vector<Bucket>>> list_buckets() override { return inner_.list_buckets(); }
  Task<Result<bool>> has_bucket(std::string bucket) override { return inner_.has_bucket(bucket); }
  Task<Result<Listing>> list(std::string bucket, List query) override { return inner_.list(bucket, query); }
  Task<Result<ObjectInfo>> head(std::string bucket, std::string key) override {
    const auto ask = [&] { return inner_.head(bucket, key); };
    co_return co_await between("head", key, ask);
  }
  Task<Result<ObjectInfo>> put(std::string bucket, std::string key, Bytes body, Put options) override {
    const auto ask = [&] { return inner_.put(bucket, key, body, options); };
    co_return co_await between("put", key, ask);
  }
  Task<Result<Object>> get(std::string bucket, std::string key, std::optional<Range> range) override {
    const auto ask = [&] { return inner_.get(bucket, key, range); };
    co_return co_await between("get", key, ask);
  }
  Task<Result<void>> remove(std::string bucket, std::vector<std::string> keys) override {
    const auto ask = [&] { return inner_.remove(bucket, keys); };
    co_return co_await between("remove", keys.front(), ask);
  }

 private:
  template <class Ask>
  std::invoke_result_t<Ask> between(std::string operation, std::string key, Ask ask) {
    if (before) {
      auto passed = co_await before(operation, key);
      if (!passed) co_return passed.error();
    }
    auto answered = co_await ask();
    if (answered && after) {
      auto told = co_await after(operation, key);
      if (!told) co_return told.error();
    }
    co_return answered;
  }

  ObjectStore& inner_;
};

}  // namespace facefleet::store
