#include "aws/wire.h"

#include <gmock/gmock.h>

namespace facefleet::aws {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(ParametersTest, BothFormsGiveTheSameTree) {
  const auto json = parse_json(R"({"QueueUrl":"q","Max":10,"Flag":true,"None":null,)"
                               R"("Entries":[{"Id":"a"},{"Id":"b"}],"Attributes":{"x":"1"}})")
                        .value();
  const auto query = parse_query(
                         "QueueUrl=q&Max=10&Flag=true&Entry.2.Id=b&Entry.1.Id=a&Attribute.1.Name=x&"
                         "Attribute.1.Value=1")
                         .value();
  for (const Parameter& root : {json, query}) {
    EXPECT_EQ(root.text_of("QueueUrl"), "q");
    EXPECT_EQ(root.text_of("Max"), "10");
    EXPECT_EQ(root.text_of("Flag"), "true");
    EXPECT_EQ(root.text_of("None"), std::nullopt);
    EXPECT_EQ(root.text_of("Entries"), std::nullopt);
    const auto entries = root.list("Entries", "Entry");
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0]->text_of("Id"), "a");
    EXPECT_EQ(entries[1]->text_of("Id"), "b");
    EXPECT_THAT(root.map("Attributes", "Attribute"), ElementsAre(Pair("x", "1")));
  }
}

TEST(ParametersTest, ListsKeepTheirOrderPastNine) {
  const auto root = parse_query("A.10=j&A.9=i&A.1=a").value();
  std::vector<std::string> texts;
  for (const Parameter* entry : root.list("A", "A")) texts.push_back(entry->text);
  EXPECT_THAT(texts, ElementsAre("a", "i", "j"));
}

TEST(ParametersTest, WhatIsNotInTheFormIsRefused) {
  EXPECT_TRUE(parse_json(""));
  for (const char* bad : {"[]", "\"x\"", "{", "{\"a\":}", "{} x", "{\"a\":\"\xff\"}"})
    EXPECT_EQ(parse_json(bad).error().reason, "MalformedInput") << bad;
  EXPECT_FALSE(parse_json("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}"));
  EXPECT_FALSE(parse_query("a.b.c.d.e.f.g.h.i=1"));
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "a" + std::to_string(i) + "=&";
  EXPECT_FALSE(parse_query(many));
  EXPECT_TRUE(parse_query("..=&=&&a"));
}

TEST(TextTest, JsonStringsEscapeWhatTheyMust) {
  std::string out;
  append_json_string(out, std::string_view("a\"\\\n\0\x1f\u00e9/", 9));
  EXPECT_EQ(out, "\"a\\\"\\\\\\u000a\\u0000\\u001f\u00e9/\"");
}

TEST(TextTest, XmlTextIsUtf8WithoutControlCharacters) {
  EXPECT_TRUE(is_xml_text("plain \t\r\n \u00e9 \u20ac \U0001F600"));
  for (const char* bad :
       {"\x01", "\x1f", "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xef\xbf\xbe", "\xf4\x90\x80\x80"})
    EXPECT_FALSE(is_xml_text(bad));
  EXPECT_FALSE(is_xml_text(std::string_view("\0", 1)));
}

TEST(ResultWriterTest, WritesBothForms) {
  const auto fill = [](ResultWriter& out) {
    out.text("Name", "a\"b");
    out.number("Count", 3);
    out.open_list("Entries");
    for (const char* id : {"1", "2"}) {
      out.open_item("Entry");
      out.text("Id", id);
      out.close_item("Entry");
    }
    out.close_list();
    out.open_map("Attributes");
    out.entry("Attribute", "k", "v");
    out.close_map();
    out.boolean("Done", true);
  };
  ResultWriter json(Protocol::kJson);
  fill(json);
  EXPECT_EQ(json.take(),
            R"({"Name":"a\"b","Count":3,"Entries":[{"Id":"1"},{"Id":"2"}],"Attributes":{"k":"v"},"Done":true})");
  ResultWriter query(Protocol::kQuery);
  fill(query);
  EXPECT_EQ(query.take(),
            "<Name>a&quot;b</Name><Count>3</Count><Entry><Id>1</Id></Entry><Entry><Id>2</Id></Entry>"
            "<Attribute><Name>k</Name><Value>v</Value></Attribute><Done>true</Done>");
}

TEST(ErrorAnswerTest, EachFormHasItsOwn) {
  const Error error{Code::kNotFound, "It is <not> there.", "AWS.SimpleQueueService.NonExistentQueue"};
  const auto json = error_answer({Protocol::kJson, "ns", "id"}, error);
  EXPECT_EQ(json.status, 400);
  EXPECT_EQ(json.body, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"It is <not> there."})");
  EXPECT_EQ(json.headers.get("x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
  const auto query = error_answer({Protocol::kQuery, "ns", "id"}, error);
  EXPECT_THAT(query.body, HasSubstr("<ErrorResponse xmlns=\"ns\"><Error><Type>Sender</Type>"));
  EXPECT_THAT(query.body, HasSubstr("<Message>It is &lt;not&gt; there.</Message>"));
  EXPECT_THAT(error_answer({Protocol::kEc2, "ns", "id"}, error).body, HasSubstr("<Response><Errors><Error>"));
  EXPECT_THAT(error_answer({Protocol::kS3, "ns", "id"}, error, "/b/k").body, HasSubstr("<Resource>/b/k</Resource>"));
}

TEST(ErrorAnswerTest, AReasonOfOurOwnBecomesAGeneralCode) {
  const auto busy = error_answer({Protocol::kS3, "", "id"}, {Code::kBusy, "full", "queues_full"});
  EXPECT_EQ(busy.status, 503);
  EXPECT_THAT(busy.body, HasSubstr("<Code>ServiceUnavailable</Code>"));
  EXPECT_EQ(error_answer({Protocol::kJson, "", "id"}, {Code::kInternal, "bug", ""}).headers.get("x-amzn-query-error"),
            "InternalError;Receiver");
}

}  // namespace
}  // namespace facefleet::aws
