#include "store/backends/memory_store.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "store/rules.h"

namespace facefleet::store {
namespace {

class MemoryDraft final : public Draft {
 public:
  Task<Result<void>> append(BytesView piece) override {
    bytes_.append(piece);
    co_return Result<void>();
  }
  std::uint64_t size() const override { return bytes_.size(); }
  Bytes take() { return std::exchange(bytes_, {}); }

 private:
  Bytes bytes_;
};

class MemoryBody final : public Body {
 public:
  explicit MemoryBody(Bytes bytes) : bytes_(std::move(bytes)) {}
  Task<Result<BytesView>> next() override {
    if (std::exchange(given_, true)) co_return BytesView();
    co_return BytesView(bytes_);
  }

 private:
  const Bytes bytes_;
  bool given_ = false;
};

class MemoryStore final : public LocalStore {
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
    std::erase_if(uploads_, [&](const auto& upload) { return upload.second.bucket == bucket; });
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

  std::unique_ptr<Draft> draft() override { return std::make_unique<MemoryDraft>(); }

  Task<Result<ObjectInfo>> put_draft(std::string bucket, std::string key, Draft& draft, Put options) override {
    Bytes body = static_cast<MemoryDraft&>(draft).take();
    return put(std::move(bucket), std::move(key), std::move(body), std::move(options));
  }

  Task<Result<Opened>> open(std::string bucket, std::string key, std::optional<Range> range) override {
    const Result<const Object*> found = find(bucket, key);
    if (!found) co_return found.error();
    const auto span = span_of(range, (*found)->body.size());
    if (!span) co_return span.error();
    co_return Opened{(*found)->info, span->first, span->size,
                     std::make_unique<MemoryBody>((*found)->body.substr(span->first, span->size))};
  }

  Task<Result<std::string>> begin_upload(std::string bucket, std::string key, Put options) override {
    if (Result<void> checked = check_key(key); !checked) co_return checked.error();
    if (!buckets_.contains(bucket)) co_return no_such_bucket(bucket);
    std::string id = std::to_string(++last_upload_);
    uploads_.emplace(id, Upload{bucket, key, clock_.wall_ms(), std::move(options), {}});
    co_return id;
  }

  Task<Result<Part>> put_part(UploadName name, std::uint32_t number, Draft& draft) override {
    Upload* const upload = find(name);
    if (upload == nullptr) co_return no_such_upload();
    Bytes body = static_cast<MemoryDraft&>(draft).take();
    Part part{number, hex(md5(body)), body.size(), clock_.wall_ms()};
    upload->parts.insert_or_assign(number, std::pair(part, std::move(body)));
    co_return part;
  }

  Task<Result<ObjectInfo>> complete_upload(UploadName name, std::vector<PartName> names, Put conditions) override {
    Upload* const upload = find(name);
    if (upload == nullptr) co_return no_such_upload();
    const auto parts = choose_parts(parts_of(*upload), names);
    if (!parts) co_return parts.error();
    Bytes body;
    for (const Part& part : *parts) body += upload->parts.at(part.number).second;
    Put options = upload->options;
    options.if_absent = conditions.if_absent;
    options.if_etag = conditions.if_etag;
    auto stored = co_await put(name.bucket, name.key, std::move(body), std::move(options));
    if (!stored) co_return stored;
    Object& object = buckets_.at(name.bucket).objects.at(name.key);
    object.info.etag = stored->etag = etag_of(*parts);
    uploads_.erase(name.id);
    co_return stored;
  }

  Task<Result<void>> abort_upload(UploadName name) override {
    if (find(name) == nullptr) co_return no_such_upload();
    uploads_.erase(name.id);
    co_return Result<void>();
  }

  Task<Result<std::vector<Part>>> list_parts(UploadName name) override {
    const Upload* const upload = find(name);
    if (upload == nullptr) co_return no_such_upload();
    co_return parts_of(*upload);
  }

  Task<Result<std::vector<OpenUpload>>> list_uploads(std::string bucket) override {
    if (!buckets_.contains(bucket)) co_return no_such_bucket(bucket);
    std::vector<OpenUpload> open;
    for (const auto& [id, upload] : uploads_)
      if (upload.bucket == bucket) open.push_back({id, upload.key, upload.created_ms});
    std::ranges::stable_sort(open, {}, &OpenUpload::key);
    co_return open;
  }

 private:
  struct Upload {
    std::string bucket;
    std::string key;
    std::int64_t created_ms = 0;
    Put options;
    std::map<std::uint32_t, std::pair<Part, Bytes>> parts;
  };

  Upload* find(const UploadName& name) {
    const auto at = uploads_.find(name.id);
    const bool there = at != uploads_.end() && at->second.bucket == name.bucket && at->second.key == name.key;
    return there ? &at->second : nullptr;
  }

  static std::vector<Part> parts_of(const Upload& upload) {
    std::vector<Part> parts;
    for (const auto& [number, part] : upload.parts) parts.push_back(part.first);
    return parts;
  }

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
  std::map<std::string, Upload> uploads_;
  std::uint64_t last_upload_ = 0;
};

}  // namespace

std::unique_ptr<LocalStore> open_memory_store(const Clock& clock) { return std::make_unique<MemoryStore>(clock); }

}  // namespace facefleet::store
