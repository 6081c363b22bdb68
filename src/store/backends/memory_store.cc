#include "store/backends/memory_store.h"

#include <utility>

#include "base/hash.h"
#include "store/rules.h"

namespace facefleet::store {
namespace {

class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(const Clock& clock) : clock_(clock) {}

  Task<Result<void>> create_bucket(std::string bucket) override {
    if (Result<void> checked = check_bucket_name(bucket); !checked) co_return checked;
    buckets_.try_emplace(std::move(bucket), Contents{clock_.wall_ms(), {}});
    co_return Result<void>();
  }

  Task<Result<void>> remove_bucket(std::string bucket) override {
    const auto at = buckets_.find(bucket);
    if (at == buckets_.end()) co_return no_such_bucket(bucket);
    if (!at->second.objects.empty()) co_return Error{Code::kConflict, "the bucket is not empty", "bucket_not_empty"};
    buckets_.erase(at);
    co_return Result<void>();
  }

  Task<Result<std::vector<Bucket>>> list_buckets() override {
    std::vector<Bucket> buckets;
    for (const auto& [name, contents] : buckets_) buckets.push_back({name, contents.created_ms});
    co_return buckets;
  }

  Task<Result<bool>> has_bucket(std::string bucket) override { co_return buckets_.contains(bucket); }

  Task<Result<ObjectInfo>> put(std::string bucket, std::string key, Bytes body, Put options) override {
    if (Result<void> checked = check_key(key); !checked) co_return checked.error();
    const auto at = buckets_.find(bucket);
    if (at == buckets_.end()) co_return no_such_bucket(bucket);
    auto& objects = at->second.objects;
    const auto existing = objects.find(key);
    const std::string* etag = existing == objects.end() ? nullptr : &existing->second.info.etag;
    if (Result<void> allowed = check_conditions(options, etag); !allowed) co_return allowed.error();
    Object object;
    object.info.key = key;
    object.info.size = body.size();
    object.info.etag = hex(md5(body));
    object.info.modified_ms = clock_.wall_ms();
    object.info.content_type = std::move(options.content_type);
    object.info.metadata = std::move(options.metadata);
    object.body = std::move(body);
    ObjectInfo info = object.info;
    objects.insert_or_assign(std::move(key), std::move(object));
    co_return info;
  }

  Task<Result<Object>> get(std::string bucket, std::string key, std::optional<Range> range) override {
    const Result<const Object*> found = find(bucket, key);
    if (!found) co_return found.error();
    Object object = **found;
    if (Result<void> done = cut(object.body, range); !done) co_return done.error();
    co_return object;
  }

  Task<Result<ObjectInfo>> head(std::string bucket, std::string key) override {
    const Result<const Object*> found = find(bucket, key);
    if (!found) co_return found.error();
    co_return (*found)->info;
  }

  Task<Result<void>> remove(std::string bucket, std::vector<std::string> keys) override {
    const auto at = buckets_.find(bucket);
    if (at == buckets_.end()) co_return no_such_bucket(bucket);
    for (const std::string& key : keys) at->second.objects.erase(key);
    co_return Result<void>();
  }

  Task<Result<Listing>> list(std::string bucket, List query) override {
    const auto at = buckets_.find(bucket);
    if (at == buckets_.end()) co_return no_such_bucket(bucket);
    const auto& objects = at->second.objects;
    const Scan scan = [&objects](const std::string& from, const Visit& visit) -> Result<void> {
      for (auto next = objects.lower_bound(from); next != objects.end() && visit(next->second.info); ++next) {
      }
      return {};
    };
    co_return list_objects(query, scan);
  }

 private:
  struct Contents {
    std::int64_t created_ms = 0;
    std::map<std::string, Object> objects;
  };

  Result<const Object*> find(const std::string& bucket, const std::string& key) const {
    const auto at = buckets_.find(bucket);
    if (at == buckets_.end()) return no_such_bucket(bucket);
    const auto object = at->second.objects.find(key);
    if (object == at->second.objects.end()) return no_such_key();
    return &object->second;
  }

  const Clock& clock_;
  std::map<std::string, Contents> buckets_;
};

}  // namespace

std::unique_ptr<ObjectStore> open_memory_store(const Clock& clock) { return std::make_unique<MemoryStore>(clock); }

}  // namespace facefleet::store
