// A value of an item's attribute, in DynamoDB's ten types. Pure values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace facefleet::table {

enum class Type { kText, kNumber, kBytes, kBool, kNull, kTextSet, kNumberSet, kBytesSet, kList, kMap };

struct Value {
  Type type = Type::kNull;
  std::string scalar;                // kText, kNumber (in its one canonical spelling), kBytes
  bool truth = false;                // kBool
  std::vector<std::string> set;      // the three sets, sorted
  std::vector<Value> list;           // kList
  std::map<std::string, Value> map;  // kMap

  bool operator==(const Value&) const = default;

  static Value text(std::string text) { return {Type::kText, std::move(text), false, {}, {}, {}}; }
  static Value bytes(Bytes bytes) { return {Type::kBytes, std::move(bytes), false, {}, {}, {}}; }
};

using Item = std::map<std::string, Value>;

}  // namespace facefleet::table
