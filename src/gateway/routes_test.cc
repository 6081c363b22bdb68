#include "gateway/routes.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"

namespace facefleet::gateway {
namespace {

constexpr const char* kDocument = "docs/api.md";  // the tests run in the repository's root

net::HttpRequest request(std::string method, std::string target, std::string type = "") {
  net::HttpRequest out;
  out.method = std::move(method);
  out.target = std::move(target);
  if (!type.empty()) out.headers.set("Content-Type", std::move(type));
  return out;
}

std::string table() {
  std::string text = "| method | path | scope | what it gives or does |\n| --- | --- | --- | --- |\n";
  for (const Route& route : routes())
    text += "| " + std::string(route.method) + " | `" + std::string(route.path) + "` | " +
            std::string(to_string(route.scope)) + " | " + std::string(route.help) + " |\n";
  return text;
}

// FACEFLEET_UPDATE_GOLDEN=1 writes the table into the document instead of comparing.
TEST(Routes, TheDocumentListsThem) {
  constexpr std::string_view kBegin = "<!-- routes: written by gateway_test -->\n", kEnd = "<!-- end -->";
  auto text = read_file(kDocument);
  ASSERT_TRUE(text);
  const std::size_t begin = text->find(kBegin) + kBegin.size(), end = text->find(kEnd);
  ASSERT_LT(begin, end + 1);
  if (std::getenv("FACEFLEET_UPDATE_GOLDEN")) {
    text->replace(begin, end - begin, table());
    ASSERT_TRUE(write_file_atomic(kDocument, *text));
  } else {
    EXPECT_EQ(text->substr(begin, end - begin), table()) << "run this test with FACEFLEET_UPDATE_GOLDEN=1";
  }
}

TEST(Routes, TheDocumentShowsEachByExample) {
  const auto text = read_file(kDocument);
  ASSERT_TRUE(text);
  for (const Route& route : routes()) {
    const std::string heading = "## " + std::string(route.method) + " " + std::string(route.path) + "\n";
    const std::size_t begin = text->find(heading);
    ASSERT_NE(begin, std::string::npos) << heading;
    const std::string section = text->substr(begin, text->find("\n## ", begin) - begin);
    EXPECT_NE(section.find("    curl "), std::string::npos) << heading << " has no example";
  }
}

TEST(Routes, CapturesAreDecodedAfterThePathIsSplit) {
  const Found found = find_route(request("DELETE", "/v1/galleries/staff/persons/Ann%2FB%20C?x=1"));
  ASSERT_TRUE(found.route);
  EXPECT_EQ(found.route->path, "/v1/galleries/{g}/persons/{p}");
  EXPECT_EQ(found.captures, (std::vector<std::string>{"staff", "Ann/B C"}));
}

TEST(Routes, WhatFitsNoRowIsSaidSo) {
  for (const char* target : {"/v1", "/v1/jobs", "/v1/jobs/", "/v1/jobs/a/b", "/v1/galleries//persons", "//", "/ui/"})
    EXPECT_EQ(find_route(request("GET", target)).error.reason, "no_such_path") << target;
  const Found found = find_route(request("PUT", "/v1/galleries/g/persons/p"));
  EXPECT_EQ(found.error.reason, "method_not_allowed");
  EXPECT_EQ(found.allow, "DELETE");
  EXPECT_EQ(find_route(request("PUT", "/")).allow, "POST, GET");
}

TEST(Routes, HeadIsGetWithoutABody) {
  const Found found = find_route(request("HEAD", "/healthz"));
  ASSERT_TRUE(found.route);
  EXPECT_EQ(found.route->path, "/healthz");
}

TEST(Routes, FormsPostedAnywhereArePhotos) {
  const Found found = find_route(request("POST", "/api/image", "Multipart/Form-Data; boundary=b"));
  ASSERT_TRUE(found.route);
  EXPECT_EQ(found.route->path, "/");
  EXPECT_FALSE(find_route(request("POST", "/v1/image", "multipart/form-data; boundary=b")).route);
  EXPECT_FALSE(find_route(request("POST", "/api/image", "application/json")).route);
}

}  // namespace
}  // namespace facefleet::gateway
