#include "aws/xml.h"

#include <gtest/gtest.h>

#include "aws/wire.h"

namespace facefleet::aws {
namespace {

TEST(Xml, PullsOutTextByPath) {
  const auto document = XmlDocument::parse(
      R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>bucket</Name>
  <Contents><Key>a &amp; b</Key><Owner><ID>1</ID></Owner></Contents>
  <Contents><Key> </Key></Contents>
  <Empty/>
</ListBucketResult>)");
  ASSERT_TRUE(document);
  const XmlElement root = document->root();
  EXPECT_EQ(root.name(), "ListBucketResult");
  EXPECT_EQ(root.text("Name"), "bucket");
  EXPECT_EQ(root.text("Contents/Owner/ID"), "1");
  EXPECT_EQ(root.text("Contents/Owner/Name"), "");
  EXPECT_FALSE(root.at("Nothing/At/All"));
  EXPECT_TRUE(root.at("Empty"));
  EXPECT_EQ(root.text("Empty"), "");
  const auto contents = root.children("Contents");
  ASSERT_EQ(contents.size(), 2u);
  EXPECT_EQ(contents[0].text("Key"), "a & b");
  EXPECT_EQ(contents[1].text("Key"), " ");
}

TEST(Xml, RefusesWhatIsNotWellFormed) {
  for (const char* text : {"", "plain", "<a>", "<a></b>", "{\"a\": 1}"})
    EXPECT_EQ(XmlDocument::parse(text).error().code, Code::kInvalidInput) << text;
}

TEST(Xml, ReadsBackWhatXmlWriterWrote) {
  const std::string text = "a<b>&\"c\"\r\n\td \xE1\x88\xB4";
  std::string xml;
  XmlWriter(xml).text("t", text);
  EXPECT_EQ(XmlDocument::parse(xml)->root().text(), text);
}

}  // namespace
}  // namespace facefleet::aws
