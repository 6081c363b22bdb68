#include "gallery/names.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace facefleet::gallery {
namespace {

TEST(Names, Galleries) {
  for (const std::string_view good : {"default", "a", "lfw-2024", "-"}) EXPECT_TRUE(check_gallery_name(good)) << good;
  EXPECT_TRUE(check_gallery_name(std::string(64, 'x')));
  for (const std::string_view bad : {"", "Default", "a/b", "..", "a b", "ä"})
    EXPECT_EQ(check_gallery_name(bad).error().reason, "bad_gallery_name") << bad;
  EXPECT_FALSE(check_gallery_name(std::string(65, 'x')));
}

TEST(Names, Persons) {
  for (const std::string_view good : {"Ada Lovelace", "Zoë", "李小龍", "../x", "a/b", "🙂"})
    EXPECT_TRUE(check_person_name(good)) << good;
  EXPECT_TRUE(check_person_name(std::string(255, 'x')));
  const std::vector<std::string> bad = {"",
                                        "unknown",
                                        "no face",
                                        std::string(256, 'x'),
                                        "a\nb",
                                        std::string("a\0b", 3),
                                        "\x7f",
                                        "\xc2\x85",          // a C1 control character
                                        "\xff",              // not UTF-8
                                        "\xc0\xaf",          // '/' in two bytes
                                        "\xed\xa0\x80",      // a surrogate
                                        "\xf4\x90\x80\x80",  // beyond U+10FFFF
                                        "\xe6\x9d"};         // cut short
  for (const std::string& name : bad) EXPECT_EQ(check_person_name(name).error().reason, "bad_person_name") << name;
}

TEST(Names, Templates) {
  const Template good{"Ada", {0.6F, 0.8F}, std::string(64, '0'), "", ""};
  EXPECT_TRUE(check_template(good, 2));
  EXPECT_EQ(check_template(good, 3).error().reason, "bad_embedding");
  Template bad = good;
  bad.embedding = {1, 1};
  EXPECT_EQ(check_template(bad, 2).error().reason, "bad_embedding");
  bad.embedding = {std::numeric_limits<float>::quiet_NaN(), 1};
  EXPECT_EQ(check_template(bad, 2).error().reason, "bad_embedding");
  bad = good;
  bad.photo_sha256 = std::string(64, 'A');
  EXPECT_EQ(check_template(bad, 2).error().reason, "bad_digest");
}

}  // namespace
}  // namespace facefleet::gallery
