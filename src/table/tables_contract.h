// What every backend of Tables promises, as tests. A backend joins with one INSTANTIATE_TEST_SUITE_P.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/testing.h"
#include "table/codec.h"
#include "table/tables.h"

namespace facefleet::table {

class TablesPlace {
 public:
  virtual ~TablesPlace() = default;
  virtual asio::io_context& context() = 0;
  virtual Tables& tables() = 0;
};

struct TablesBackend {
  std::string name;
  std::function<std::unique_ptr<TablesPlace>()> open;
};

inline void PrintTo(const TablesBackend& backend, std::ostream* out) { *out << backend.name; }

class TablesContract : public testing::TestWithParam<TablesBackend> {
 protected:
  void SetUp() override {
    TableInfo info;
    info.name = "outcomes";
    info.hash = {"id", Type::kText};
    ASSERT_TRUE(run(tables().create(info)));
  }

  template <class T>
  T run(Task<T> task) {
    return run_task(place_->context(), std::move(task));
  }
  Tables& tables() { return place_->tables(); }

  static Item item(const std::string& json) { return decode_item(json).value(); }
  static Item key(const std::string& id) { return {{"id", Value::text(id)}}; }

  std::unique_ptr<TablesPlace> place_ = GetParam().open();
};

TEST_P(TablesContract, TablesAreMadeOnceDescribedListedAndRemoved) {
  TableInfo again;
  again.name = "outcomes";
  again.hash = {"other", Type::kText};
  EXPECT_EQ(run(tables().create(again)).error().code, Code::kConflict);
  TableInfo pair;
  pair.name = "a.pair";
  pair.hash = {"h", Type::kNumber};
  pair.range = KeyAttribute{"r", Type::kBytes};
  ASSERT_TRUE(run(tables().create(pair)));
  EXPECT_THAT(run(tables().list()).value(), testing::ElementsAre("a.pair", "outcomes"));
  const TableInfo info = run(tables().describe("a.pair")).value();
  EXPECT_EQ(info.hash, pair.hash);
  EXPECT_EQ(info.range, pair.range);
  EXPECT_GT(info.created_ms, 1'600'000'000'000);
  ASSERT_TRUE(run(tables().remove("a.pair")));
  EXPECT_EQ(run(tables().describe("a.pair")).error().code, Code::kNotFound);
  EXPECT_EQ(run(tables().remove("a.pair")).error().code, Code::kNotFound);
}

TEST_P(TablesContract, AnItemComesBackAsItWasInEveryType) {
  const Item whole = item(R"({"id": {"S": "a"}, "n": {"N": "-01.50"}, "b": {"B": "AAEC"}, "t": {"BOOL": true},
                              "z": {"NULL": true}, "ss": {"SS": ["y", "x"]}, "ns": {"NS": ["2", "1"]},
                              "bs": {"BS": ["AA=="]}, "l": {"L": [{"S": ""}, {"N": "1"}]},
                              "m": {"M": {"k": {"M": {}}}}})");
  EXPECT_FALSE(run(tables().put("outcomes", whole)).value());
  EXPECT_EQ(run(tables().get("outcomes", key("a"))).value(), whole);
  EXPECT_EQ(run(tables().get("outcomes", key("b"))).value(), std::nullopt);
}

TEST_P(TablesContract, PuttingAndErasingTellWhatWasThere) {
  const Item first = item(R"({"id": {"S": "a"}, "v": {"N": "1"}})");
  const Item second = item(R"({"id": {"S": "a"}, "v": {"N": "2"}})");
  ASSERT_TRUE(run(tables().put("outcomes", first)));
  EXPECT_EQ(run(tables().put("outcomes", second)).value(), first);
  EXPECT_EQ(run(tables().erase("outcomes", key("a"))).value(), second);
  EXPECT_EQ(run(tables().erase("outcomes", key("a"))).value(), std::nullopt);
  EXPECT_EQ(run(tables().get("outcomes", key("a"))).value(), std::nullopt);
}

TEST_P(TablesContract, WhatHasNoKeyOfTheTablesIsRefused) {
  for (const char* json : {R"({"v": {"S": "a"}})", R"({"id": {"N": "1"}})", R"({"id": {"S": ""}})"})
    EXPECT_EQ(run(tables().put("outcomes", item(json))).error().code, Code::kInvalidInput) << json;
  EXPECT_EQ(run(tables().get("outcomes", item(R"({"id": {"S": "a"}, "x": {"S": "b"}})"))).error().code,
            Code::kInvalidInput);
  Item large = key("large");
  large.emplace("b", Value::text(std::string(409'601, 'x')));
  EXPECT_EQ(run(tables().put("outcomes", large)).error().code, Code::kInvalidInput);
  EXPECT_EQ(run(tables().put("nowhere", key("a"))).error().code, Code::kNotFound);
  EXPECT_EQ(run(tables().get("nowhere", key("a"))).error().code, Code::kNotFound);
  EXPECT_EQ(run(tables().scan("nowhere", {}, 10)).error().code, Code::kNotFound);
}

TEST_P(TablesContract, AScanGivesEachItemOnceInPagesOfAnySize) {
  for (int i = 0; i < 23; ++i) ASSERT_TRUE(run(tables().put("outcomes", key("k" + std::to_string(i)))));
  for (const std::uint32_t max : {1u, 7u, 100u}) {
    std::map<std::string, int> seen;
    std::optional<Item> after;
    do {
      const Page page = run(tables().scan("outcomes", after, max)).value();
      EXPECT_LE(page.items.size(), max);
      for (const Item& one : page.items) ++seen[one.at("id").scalar];
      after = page.last;
    } while (after);
    EXPECT_EQ(seen.size(), 23u);
    for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
  }
}

TEST_P(TablesContract, ABatchPutsAndErases) {
  ASSERT_TRUE(run(tables().put("outcomes", key("old"))));
  std::vector<Write> writes = {
      {"outcomes", key("a"), false}, {"outcomes", key("b"), false}, {"outcomes", key("old"), true}};
  ASSERT_TRUE(run(tables().write(writes)));
  EXPECT_TRUE(run(tables().get("outcomes", key("a"))).value());
  EXPECT_TRUE(run(tables().get("outcomes", key("b"))).value());
  EXPECT_FALSE(run(tables().get("outcomes", key("old"))).value());
}

}  // namespace facefleet::table
