// Tables of items, each under a key: the value of one attribute, or of two. A write is atomic, and what it acknowledged
// survives a crash (memory: until the process ends).
//
// Every backend passes tables_contract.h. Thread rule: base/task.h. Backends: backends/{memory,durable,dynamodb}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "table/value.h"

namespace facefleet::table {

struct KeyAttribute {
  std::string name;
  Type type = Type::kText;  // or kNumber, kBytes

  bool operator==(const KeyAttribute&) const = default;
};

struct TableInfo {
  std::string name;  // 3 to 255 of [a-zA-Z0-9_.-]
  KeyAttribute hash;
  std::optional<KeyAttribute> range = {};
  std::int64_t created_ms = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
};

struct Page {
  std::vector<Item> items;
  std::optional<Item> last;  // the key to go on after; nothing at the end
};

// One write of a batch: a whole item to put, or a key to erase.
struct Write {
  std::string table;
  Item item;
  bool erase = false;
};

class Tables {
 public:
  virtual ~Tables() = default;

  // kConflict if it is there; kInvalidInput with a sentence.
  virtual Task<Result<TableInfo>> create(TableInfo table) = 0;
  // kNotFound, here and below, if there is no such table.
  virtual Task<Result<TableInfo>> describe(std::string table) = 0;
  virtual Task<Result<std::vector<std::string>>> list() = 0;  // by name
  // With all its items; returns what it was.
  virtual Task<Result<TableInfo>> remove(std::string table) = 0;

  // Returns what it replaced. kInvalidInput if the item lacks its key, or is longer than kItemBytes.
  virtual Task<Result<std::optional<Item>>> put(std::string table, Item item) = 0;
  // `key`: the key's attributes and no other.
  virtual Task<Result<std::optional<Item>>> get(std::string table, Item key) = 0;
  // Returns what it erased.
  virtual Task<Result<std::optional<Item>>> erase(std::string table, Item key) = 0;
  // All of `writes` or none, with one flush.
  virtual Task<Result<void>> write(std::vector<Write> writes) = 0;
  // At most `max` items and about kTablePageBytes, after `after`, each once, in an order of the backend's own.
  virtual Task<Result<Page>> scan(std::string table, std::optional<Item> after, std::uint32_t max) = 0;
};

}  // namespace facefleet::table
