#include "table/backends/memory_tables.h"

#include "base/limits.h"
#include "table/codec.h"
#include "table/rules.h"

namespace facefleet::table {
namespace {

class MemoryTables final : public Tables {
 public:
  explicit MemoryTables(const Clock& clock) : clock_(clock) {}

  Task<Result<TableInfo>> create(TableInfo table) override {
    if (auto checked = check_table(table); !checked) co_return checked.error();
    if (tables_.contains(table.name)) co_return table_exists(table.name);
    table.created_ms = clock_.wall_ms();
    tables_.emplace(table.name, Contents{table, {}});
    co_return table;
  }

  Task<Result<TableInfo>> describe(std::string table) override {
    const auto at = tables_.find(table);
    if (at == tables_.end()) co_return no_such_table(table);
    co_return describe(at->second);
  }

  Task<Result<std::vector<std::string>>> list() override {
    std::vector<std::string> names;
    for (const auto& [name, contents] : tables_) names.push_back(name);
    co_return names;
  }

  Task<Result<TableInfo>> remove(std::string table) override {
    const auto at = tables_.find(table);
    if (at == tables_.end()) co_return no_such_table(table);
    TableInfo info = describe(at->second);
    tables_.erase(at);
    co_return info;
  }

  Task<Result<std::optional<Item>>> put(std::string table, Item item) override {
    co_return apply({std::move(table), std::move(item), false});
  }
  Task<Result<std::optional<Item>>> erase(std::string table, Item key) override {
    co_return apply({std::move(table), std::move(key), true});
  }

  Task<Result<void>> write(std::vector<Write> writes) override {
    const auto before = tables_;
    for (Write& one : writes) {
      if (auto done = apply(std::move(one)); !done) {
        tables_ = before;
        co_return done.error();
      }
    }
    co_return Result<void>();
  }

  Task<Result<std::optional<Item>>> get(std::string table, Item key) override {
    const auto at = tables_.find(table);
    if (at == tables_.end()) co_return no_such_table(table);
    const auto bytes = key_of(at->second.info, key, true);
    if (!bytes) co_return bytes.error();
    const auto found = at->second.items.find(*bytes);
    co_return found == at->second.items.end() ? std::nullopt : std::optional(found->second);
  }

  Task<Result<Page>> scan(std::string table, std::optional<Item> after, std::uint32_t max) override {
    const auto at = tables_.find(table);
    if (at == tables_.end()) co_return no_such_table(table);
    const Contents& contents = at->second;
    auto next = contents.items.begin();
    if (after) {
      const auto key = key_of(contents.info, *after, true);
      if (!key) co_return key.error();
      next = contents.items.upper_bound(*key);
    }
    Page page;
    for (std::size_t bytes = 0; next != contents.items.end(); ++next) {
      if (page.items.size() == max || bytes > limits::kTablePageBytes) {
        page.last = key_attributes(contents.info, page.items.back());
        break;
      }
      bytes += encode(next->second).size();
      page.items.push_back(next->second);
    }
    co_return page;
  }

 private:
  struct Contents {
    TableInfo info;
    std::map<Bytes, Item> items;
  };

  static TableInfo describe(const Contents& contents) {
    TableInfo info = contents.info;
    info.items = contents.items.size();
    for (const auto& [key, item] : contents.items) info.bytes += encode(item).size();
    return info;
  }

  Result<std::optional<Item>> apply(Write write) {
    const auto at = tables_.find(write.table);
    if (at == tables_.end()) return no_such_table(write.table);
    const auto key = key_of(at->second.info, write.item, write.erase);
    if (!key) return key.error();
    if (auto fits = check_size(encode(write.item).size()); !fits) return fits.error();
    auto& items = at->second.items;
    std::optional<Item> old;
    if (const auto found = items.find(*key); found != items.end()) {
      old = std::move(found->second);
      items.erase(found);
    }
    if (!write.erase) items.emplace(*key, std::move(write.item));
    return old;
  }

  const Clock& clock_;
  std::map<std::string, Contents> tables_;
};

}  // namespace

std::unique_ptr<Tables> open_memory_tables(const Clock& clock) { return std::make_unique<MemoryTables>(clock); }

}  // namespace facefleet::table
