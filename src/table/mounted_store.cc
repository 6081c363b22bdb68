#include "table/mounted_store.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/limits.h"
#include "store/rules.h"
#include "table/codec.h"

namespace facefleet::table {
namespace {

using store::ObjectInfo;

// Room for the other attributes, and for what JSON's escapes add.
constexpr std::size_t kBodyBytesMax = limits::kItemBytes / 2;

bool is_utf8(std::string_view text) {
  std::size_t follow = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (follow > 0) {
      if ((byte & 0xC0) != 0x80) return false;
      --follow;
    } else if (byte >= 0x80) {
      if (byte < 0xC2 || byte > 0xF4) return false;
      follow = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    }
  }
  return follow == 0;
}

std::string scalar_of(const Item& item, const char* name) {
  const auto found = item.find(name);
  return found == item.end() ? std::string() : found->second.scalar;
}

class MountedStore final : public store::ObjectStore {
 public:
  MountedStore(store::ObjectStore& inner, Tables& tables, Mount mount, const Clock& clock, Log log)
      : inner_(inner), tables_(tables), mount_(std::move(mount)), clock_(clock), log_(std::move(log)) {}

  Task<Result<void>> create_bucket(std::string bucket) override { return inner_.create_bucket(std::move(bucket)); }
  Task<Result<void>> remove_bucket(std::string bucket) override { return inner_.remove_bucket(std::move(bucket)); }
  Task<Result<std::vector<store::Bucket>>> list_buckets() override { return inner_.list_buckets(); }
  Task<Result<bool>> has_bucket(std::string bucket) override { return inner_.has_bucket(std::move(bucket)); }

  Task<Result<ObjectInfo>> put(std::string bucket, std::string key, Bytes body, store::Put options) override {
    if (!is_mounted(bucket, key) || options.if_absent || options.if_etag)
      co_return co_await inner_.put(std::move(bucket), std::move(key), std::move(body), std::move(options));
    ObjectInfo info;
    info.size = body.size();
    info.etag = hex(md5(body));
    info.modified_ms = clock_.wall_ms();
    info.content_type = options.content_type;
    info.key = key;
    if (body.size() > kBodyBytesMax) {
      log_.warn("too long for an item; not kept for reuse", {{"bytes", body.size()}});
      co_return info;
    }
    Item item;
    item.emplace("id", Value::text(key.substr(mount_.prefix.size())));
    item.emplace("outcome", is_utf8(body) ? Value::text(std::move(body)) : Value::bytes(std::move(body)));
    item.emplace("etag", Value::text(info.etag));
    item.emplace("content_type", Value::text(info.content_type));
    item.emplace("modified_ms", Value{Type::kNumber, std::to_string(info.modified_ms), false, {}, {}, {}});
    const auto kept = co_await tables_.put(mount_.table, std::move(item));
    if (!kept) co_return kept.error();
    co_return info;
  }

  Task<Result<store::Object>> get(std::string bucket, std::string key, std::optional<store::Range> range) override {
    if (!is_mounted(bucket, key)) co_return co_await inner_.get(std::move(bucket), std::move(key), range);
    Item asked = key_item(key);
    auto item = co_await tables_.get(mount_.table, std::move(asked));
    if (!item) co_return item.error();
    if (!*item) co_return store::no_such_key();
    store::Object object;
    object.info = info_of(**item);
    object.body = scalar_of(**item, "outcome");
    if (auto part = store::cut(object.body, range); !part) co_return part.error();
    co_return object;
  }

  Task<Result<ObjectInfo>> head(std::string bucket, std::string key) override {
    if (!is_mounted(bucket, key)) co_return co_await inner_.head(std::move(bucket), std::move(key));
    Item asked = key_item(key);
    auto item = co_await tables_.get(mount_.table, std::move(asked));
    if (!item) co_return item.error();
    if (!*item) co_return store::no_such_key();
    co_return info_of(**item);
  }

  Task<Result<void>> remove(std::string bucket, std::vector<std::string> keys) override {
    const auto mounted =
        std::stable_partition(keys.begin(), keys.end(), [&](const auto& key) { return !is_mounted(bucket, key); });
    std::vector<Write> erased;
    for (auto key = mounted; key != keys.end(); ++key) erased.push_back({mount_.table, key_item(*key), true});
    keys.erase(mounted, keys.end());
    for (std::size_t at = 0; at < erased.size(); at += limits::kTableBatchWrites) {
      const auto first = erased.begin() + static_cast<std::ptrdiff_t>(at);
      const auto count = std::min<std::size_t>(limits::kTableBatchWrites, erased.size() - at);
      std::vector<Write> batch(first, first + static_cast<std::ptrdiff_t>(count));
      const auto done = co_await tables_.write(std::move(batch));
      if (!done) co_return done;
    }
    if (keys.empty() && !erased.empty()) co_return Result<void>();
    co_return co_await inner_.remove(std::move(bucket), std::move(keys));
  }

  // A table has no order that a prefix could use, so each page looks at all of it: it holds the outcomes of one course.
  Task<Result<store::Listing>> list(std::string bucket, store::List query) override {
    auto listing = co_await inner_.list(bucket, query);
    if (!listing || bucket != mount_.bucket || !query.delimiter.empty()) co_return listing;
    const bool overlaps = query.prefix.starts_with(mount_.prefix) || mount_.prefix.starts_with(query.prefix);
    if (!overlaps) co_return listing;
    auto items = co_await scan_all();
    if (!items) co_return items.error();
    for (const Item& item : *items) {
      ObjectInfo info = info_of(item);
      const bool in_page = info.key.starts_with(query.prefix) && info.key > query.start_after &&
                           (!listing->truncated || info.key <= listing->next_start_after);
      if (in_page) listing->objects.push_back(std::move(info));
    }
    std::ranges::sort(listing->objects, {}, &ObjectInfo::key);
    const std::size_t max = std::min<std::size_t>(query.max, limits::kObjectListKeys);
    if (max > 0 && listing->objects.size() > max) {
      listing->objects.resize(max);
      listing->truncated = true;
      listing->next_start_after = listing->objects.back().key;
    }
    co_return listing;
  }

 private:
  bool is_mounted(const std::string& bucket, const std::string& key) const {
    return bucket == mount_.bucket && key.starts_with(mount_.prefix) && key.size() > mount_.prefix.size();
  }

  Item key_item(const std::string& key) const { return {{"id", Value::text(key.substr(mount_.prefix.size()))}}; }

  ObjectInfo info_of(const Item& item) const {
    ObjectInfo info;
    info.key = mount_.prefix + scalar_of(item, "id");
    info.size = scalar_of(item, "outcome").size();
    info.etag = scalar_of(item, "etag");
    info.content_type = scalar_of(item, "content_type");
    const std::string modified = scalar_of(item, "modified_ms");
    std::from_chars(modified.data(), modified.data() + modified.size(), info.modified_ms);
    return info;
  }

  Task<Result<std::vector<Item>>> scan_all() {
    std::vector<Item> items;
    std::optional<Item> after;
    do {
      auto page = co_await tables_.scan(mount_.table, after, limits::kObjectListKeys);
      if (!page) co_return page.error();
      std::ranges::move(page->items, std::back_inserter(items));
      after = std::move(page->last);
    } while (after);
    co_return items;
  }

  store::ObjectStore& inner_;
  Tables& tables_;
  const Mount mount_;
  const Clock& clock_;
  const Log log_;
};

}  // namespace

std::unique_ptr<store::ObjectStore> open_mounted_store(store::ObjectStore& inner, Tables& tables, Mount mount,
                                                       const Clock& clock, Log log) {
  return std::make_unique<MountedStore>(inner, tables, std::move(mount), clock, std::move(log));
}

TableInfo mount_table(std::string name) {
  TableInfo table;
  table.name = std::move(name);
  table.hash = {"id", Type::kText};
  return table;
}

}  // namespace facefleet::table
