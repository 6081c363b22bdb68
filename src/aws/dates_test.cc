#include "aws/dates.h"

#include <gtest/gtest.h>

namespace facefleet::aws {
namespace {

TEST(Dates, Iso8601) {
  EXPECT_EQ(parse_iso8601("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_iso8601("2009-10-12T17:50:30.000Z"), 1'255'369'830'000);
  EXPECT_EQ(parse_iso8601("2009-10-12T17:50:30.25Z"), 1'255'369'830'250);
  EXPECT_EQ(parse_iso8601("2009-10-12T17:50:30.123456Z"), 1'255'369'830'123);
  for (const char* odd :
       {"", "2009-10-12", "2009-13-12T17:50:30Z", "2009-02-30T17:50:30Z", "2009-10-12T24:50:30Z", "2009-10-12T17:50:30",
        "2009-10-12T17:50:30+00", "2009-10-12T17:50:30,5Z", "xxxx-10-12T17:50:30Z"})
    EXPECT_EQ(parse_iso8601(odd), std::nullopt) << odd;
}

TEST(Dates, AFractionMayBeLongerThanANumber) {
  EXPECT_EQ(parse_iso8601("2009-10-12T17:50:30." + std::string(100, '9') + "Z"), 1'255'369'830'999);
}

TEST(Dates, Http) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784'111'777'000);  // RFC 9110's example
  for (const char* odd : {"", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT",
                          "Sun Nov  6 08:49:37 1994", "Sun, 36 Nov 1994 08:49:37 GMT"})
    EXPECT_EQ(parse_http_date(odd), std::nullopt) << odd;
}

}  // namespace
}  // namespace facefleet::aws
