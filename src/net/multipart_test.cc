#include "net/multipart.h"

#include <gtest/gtest.h>

namespace facefleet::net {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=b";

// One part with that Content-Disposition and content.
Bytes body_of(std::string_view disposition, std::string_view content = "x") {
  return "--b\r\nContent-Disposition: " + Bytes(disposition) + "\r\n\r\n" + Bytes(content) + "\r\n--b--\r\n";
}

std::string reason_of(std::string_view type, BytesView body, std::size_t parts_max = 16) {
  const auto parts = parse_multipart(type, body, parts_max);
  return parts ? "parsed" : parts.error().reason;
}

Part only_part(const Bytes& body) {
  auto parts = parse_multipart(kType, body, 16);
  if (!parts || parts->size() != 1) {
    ADD_FAILURE() << (parts ? "not one part" : parts.error().message);
    return {};
  }
  return parts->front();
}

TEST(Multipart, ReadsFilesAndFields) {
  const Bytes body =
      "preamble\r\n--b \t\r\n"
      "content-disposition: form-data; name=\"photo\"; filename=\"a b.jpg\"\r\ncontent-type: image/jpeg\r\n\r\n"
      "\xFF\xD8\r\n--a\r\n\r\n--b\r\nContent-Disposition: form-data; name=note\r\n\r\nhello\r\n--b--epilogue";
  const auto parts = parse_multipart(kType, body, 16);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].name, "photo");
  EXPECT_TRUE((*parts)[0].is_file);
  EXPECT_EQ((*parts)[0].filename, "a b.jpg");
  EXPECT_EQ((*parts)[0].content_type, "image/jpeg");
  EXPECT_EQ((*parts)[0].body, "\xFF\xD8\r\n--a\r\n");
  EXPECT_EQ((*parts)[1].name, "note");
  EXPECT_FALSE((*parts)[1].is_file);
  EXPECT_EQ((*parts)[1].body, "hello");
}

TEST(Multipart, PointsIntoTheBodyItWasGiven) {
  const Bytes body = body_of("form-data; name=a", "content");
  const Part part = only_part(body);
  EXPECT_GE(part.body.data(), body.data());
  EXPECT_LE(part.body.data() + part.body.size(), body.data() + body.size());
}

TEST(Multipart, EmptyPartsInEitherForm) {
  EXPECT_EQ(only_part(body_of("form-data; name=a", "")).body, "");
  EXPECT_EQ(only_part("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--").body, "");
  const auto none = parse_multipart(kType, "--b--\r\n", 16);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(Multipart, KeepsDuplicateNames) {
  const Bytes part = "--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n1\r\n";
  const Bytes body = part + part + "--b--";
  const auto parts = parse_multipart(kType, body, 16);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].name, (*parts)[1].name);
}

TEST(Multipart, NamesInTheirManyForms) {
  EXPECT_EQ(only_part(body_of("form-data; name=\"a\\\"b\\\\c\"")).name, "a\"b\\c");
  EXPECT_EQ(only_part(body_of("form-data; name=a; filename=\"C:\\dir\\x.jpg\"")).filename, "C:\\dir\\x.jpg");
  EXPECT_EQ(only_part(body_of("form-data; name=a; filename=\"../../etc;passwd\"")).filename, "../../etc;passwd");
  EXPECT_EQ(only_part(body_of("form-data; name=a; filename=\"na\xC3\xAFve.jpg\"")).filename, "na\xC3\xAFve.jpg");
  EXPECT_EQ(only_part(body_of("Form-Data ;NAME=a;FileName=x.jpg;")).filename, "x.jpg");
  EXPECT_EQ(only_part(body_of("form-data; name=\"\"; filename=\"\"")).is_file, true);
}

TEST(Multipart, ExtendedFilenameWins) {
  const Part both = only_part(body_of("form-data; name=a; filename=\"x.jpg\"; filename*=UTF-8''na%C3%AFve%20y.jpg"));
  EXPECT_EQ(both.filename, "na\xC3\xAFve y.jpg");
  EXPECT_EQ(only_part(body_of("form-data; name=a; filename*=utf-8'en'x.jpg")).filename, "x.jpg");
  const Part unknown = only_part(body_of("form-data; name=a; filename=\"x.jpg\"; filename*=EBCDIC''y"));
  EXPECT_EQ(unknown.filename, "x.jpg");
  EXPECT_TRUE(only_part(body_of("form-data; name=a; filename*=EBCDIC''y")).is_file);
}

TEST(Multipart, BoundaryMayBeQuotedAndAPrefixOfContent) {
  const Bytes body = "--a b\r\nContent-Disposition: form-data; name=n\r\n\r\nx\r\n--a bc\r\n--a b--";
  const auto parts = parse_multipart("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", body, 16);
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->front().body, "x\r\n--a bc");
}

TEST(Multipart, NeedsABoundary) {
  for (const char* type : {"", "text/plain; boundary=b", "multipart/form-data", "multipart/form-data; boundary=",
                           "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=\"b",
                           "multipart/mixed; boundary=b", "multipart/form-data; boundary"})
    EXPECT_EQ(reason_of(type, body_of("form-data; name=a")), "no_boundary") << type;
  EXPECT_EQ(reason_of("multipart/form-data; boundary=" + std::string(71, 'x'), ""), "no_boundary");
}

TEST(Multipart, RefusesMalformedBodies) {
  const Bytes good = body_of("form-data; name=a");
  for (std::size_t size = 0; size < good.size() - 4; ++size)
    EXPECT_EQ(reason_of(kType, BytesView(good).substr(0, size)), "malformed_multipart") << size;
  const char* const dispositions[] = {"form-data",
                                      "attachment; name=a",
                                      "form-data; filename=x",
                                      "form-data; name=a; name=b",
                                      "form-data; name=\"a",
                                      "form-data; name",
                                      "form-data name=a",
                                      "form-data; =a",
                                      "form-data; name=\"a\"junk",
                                      "form-data; name=a; filename=x; FILENAME=y"};
  for (const char* disposition : dispositions)
    EXPECT_EQ(reason_of(kType, body_of(disposition)), "malformed_multipart") << disposition;
  EXPECT_EQ(reason_of(kType, "--b\r\n\r\nx\r\n--b--"), "malformed_multipart");
  EXPECT_EQ(reason_of(kType, "--b\r\nno colon\r\n\r\nx\r\n--b--"), "malformed_multipart");
  EXPECT_EQ(reason_of(kType, body_of("form-data; name=a\r\nContent-Transfer-Encoding: base64")), "malformed_multipart");
  EXPECT_EQ(reason_of(kType, "--b\nContent-Disposition: form-data; name=a\n\nx\n--b--\n"), "malformed_multipart");
  EXPECT_EQ(reason_of(kType, "--b\r\nX: " + Bytes(10'000, 'y') + "\r\n\r\nx\r\n--b--"), "malformed_multipart");
}

TEST(Multipart, CountsParts) {
  const Bytes part = "--b\r\nContent-Disposition: form-data; name=f\r\n\r\n1\r\n";
  EXPECT_EQ(reason_of(kType, part + part + "--b--", 2), "parsed");
  EXPECT_EQ(reason_of(kType, part + part + part + "--b--", 2), "too_many_parts");
}

}  // namespace
}  // namespace facefleet::net
