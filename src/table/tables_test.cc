#include "base/database.h"
#include "table/backends/durable_tables.h"
#include "table/backends/memory_tables.h"
#include "table/tables_contract.h"

namespace facefleet::table {
namespace {

class MemoryPlace final : public TablesPlace {
 public:
  asio::io_context& context() override { return context_; }
  Tables& tables() override { return *tables_; }

 private:
  asio::io_context context_;
  SystemClock clock_;
  std::unique_ptr<Tables> tables_ = open_memory_tables(clock_);
};

class DurablePlace final : public TablesPlace {
 public:
  asio::io_context& context() override { return context_; }
  Tables& tables() override { return *tables_; }
  Database& database() { return *database_; }
  void reopen() {
    tables_.reset();
    database_.reset();
    open();
  }
  DurablePlace() { open(); }

 private:
  void open() {
    database_ = Database::open(context_.get_executor(), folder_.path(), Log::silent()).value();
    tables_ = open_durable_tables(*database_, clock_, Log::silent()).value();
  }

  TemporaryFolder folder_;
  SystemClock clock_;
  asio::io_context context_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Tables> tables_;
};

INSTANTIATE_TEST_SUITE_P(Local, TablesContract,
                         testing::Values(TablesBackend{"memory", [] { return std::make_unique<MemoryPlace>(); }},
                                         TablesBackend{"durable", [] { return std::make_unique<DurablePlace>(); }}));

class DurableTablesTest : public testing::Test {
 protected:
  DurableTablesTest() {
    TableInfo info;
    info.name = "outcomes";
    info.hash = {"id", Type::kText};
    EXPECT_TRUE(run_task(place_.context(), place_.tables().create(info)));
    for (const char* id : {"a", "b"})
      EXPECT_TRUE(run_task(place_.context(), place_.tables().put("outcomes", {{"id", Value::text(id)}})));
  }
  DurablePlace place_;
};

TEST_F(DurableTablesTest, ReopeningKeepsItems) {
  place_.reopen();
  EXPECT_TRUE(run_task(place_.context(), place_.tables().get("outcomes", {{"id", Value::text("a")}})).value());
  EXPECT_EQ(run_task(place_.context(), place_.tables().describe("outcomes")).value().items, 2u);
}

TEST_F(DurableTablesTest, ADamagedItemIsFoundAndCostsOneItem) {
  ASSERT_TRUE(place_.database().commit_and_wait([](Connection& connection) {
    return connection.run("UPDATE items SET item = ?1 WHERE item = ?2",
                          {BytesView(R"({"id":{"S":"c"}})"), BytesView(R"({"id":{"S":"a"}})")});
  }));
  const auto damaged = run_task(place_.context(), place_.tables().get("outcomes", {{"id", Value::text("a")}}));
  EXPECT_EQ(damaged.error().code, Code::kCorrupt);
  const Page page = run_task(place_.context(), place_.tables().scan("outcomes", {}, 10)).value();
  ASSERT_EQ(page.items.size(), 1u);
  EXPECT_EQ(page.items[0].at("id").scalar, "b");
}

TEST(CodecTest, NumbersHaveOneSpelling) {
  EXPECT_EQ(canonical_number("1"), "1");
  EXPECT_EQ(canonical_number("+001.50"), "1.5");
  EXPECT_EQ(canonical_number("-0.0"), "0");
  EXPECT_EQ(canonical_number("12e2"), "1200");
  EXPECT_EQ(canonical_number("1.5E-3"), "0.0015");
  EXPECT_EQ(canonical_number("99999999999999999999999999999999999999"), "99999999999999999999999999999999999999");
  for (const char* bad :
       {"", "-", ".", "1e", "1.2.3", "x", "1e999", "999999999999999999999999999999999999999", "1e99999999999"})
    EXPECT_EQ(canonical_number(bad), std::nullopt) << bad;
}

TEST(CodecTest, WhatIsNoItemIsRefused) {
  for (const char* bad :
       {"", "[]", "{\"a\": 1}", "{\"a\": {}}", "{\"a\": {\"X\": \"\"}}", "{\"a\": {\"S\": 1}}",
        "{\"a\": {\"S\": \"x\", \"N\": \"1\"}}", "{\"a\": {\"SS\": []}}", "{\"a\": {\"SS\": [\"x\", \"x\"]}}",
        "{\"a\": {\"B\": \"?\"}}", "{\"a\": {\"NULL\": false}}", "{\"a\": {\"L\": {}}}"})
    EXPECT_FALSE(decode_item(bad)) << bad;
  std::string deep = "{\"S\":\"\"}";
  for (int i = 0; i < 40; ++i) deep = "{\"L\":[" + deep + "]}";
  EXPECT_FALSE(decode_item("{\"a\":" + deep + "}"));
}

}  // namespace
}  // namespace facefleet::table
