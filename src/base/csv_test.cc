#include "base/csv.h"

#include <gmock/gmock.h>

namespace facefleet {
namespace {

using ::testing::ElementsAre;

TEST(Csv, RecordsInOrder) {
  EXPECT_THAT(
      parse_csv("Image,Results\ntest_000,Paul\ntest_001,Emily").value(),
      ElementsAre(ElementsAre("Image", "Results"), ElementsAre("test_000", "Paul"), ElementsAre("test_001", "Emily")));
}

TEST(Csv, QuotesCommasAndLineEnds) {
  EXPECT_THAT(parse_csv("\"a,b\",\"say \"\"hi\"\"\"\r\n\r\n\"two\nlines\",\r\n").value(),
              ElementsAre(ElementsAre("a,b", "say \"hi\""), ElementsAre("two\nlines", "")));
}

TEST(Csv, ByteOrderMarkAndNothing) {
  EXPECT_THAT(parse_csv("\xEF\xBB\xBFx").value(), ElementsAre(ElementsAre("x")));
  EXPECT_THAT(parse_csv("").value(), ElementsAre());
}

TEST(Csv, NamesTheLineOfAFault) {
  for (const char* text : {"a,b\n\"open", "a\n\"closed\"too early,b"}) {
    const auto parsed = parse_csv(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidInput);
    EXPECT_THAT(parsed.error().message, ::testing::HasSubstr("line 2"));
  }
}

}  // namespace
}  // namespace facefleet
