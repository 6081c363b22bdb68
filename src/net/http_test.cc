#include "net/http.h"

#include <gtest/gtest.h>

namespace facefleet::net {
namespace {

using Form = std::vector<std::pair<std::string, std::string>>;

TEST(Headers, CompareNamesWithoutCaseAndKeepTheirOrder) {
  Headers headers;
  headers.add("X-One", "1");
  headers.add("x-two", "2");
  headers.add("x-one", "3");
  EXPECT_EQ(headers.get("X-ONE"), "1");
  EXPECT_EQ(headers.get("X-Three"), std::nullopt);
  headers.set("X-oNe", "4");
  EXPECT_EQ(headers.all(), (Form{{"x-two", "2"}, {"X-oNe", "4"}}));
}

TEST(HttpRequest, SplitsItsTarget) {
  HttpRequest request;
  request.target = "/a%20b?c=d?e";
  EXPECT_EQ(request.path(), "/a%20b");
  EXPECT_EQ(request.query(), "c=d?e");
  request.target = "/plain";
  EXPECT_EQ(request.path(), "/plain");
  EXPECT_EQ(request.query(), "");
}

TEST(HttpResponse, NamesTheTypeOfItsBody) {
  EXPECT_EQ(HttpResponse::text(404, "no").headers.get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(HttpResponse::json(200, "{}").headers.get("content-type"), "application/json");
  EXPECT_EQ(HttpResponse::json(202, "{}").status, 202);
}

TEST(Percent, DecodesEscapesAndLeavesBadOnes) {
  EXPECT_EQ(percent_decode("a%41%2fb%C3%A9"), "aA/b\xC3\xA9");
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz%4g"), "%zz%4g");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
}

TEST(Percent, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b/\xC3\xA9+"), "a%20b%2F%C3%A9%2B");
  EXPECT_EQ(percent_encode("a b/c", true), "a%20b/c");
}

TEST(Percent, RoundTripsEveryByte) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
}

TEST(Form, DecodesPairsInOrder) {
  EXPECT_EQ(parse_form("a=1&b=x%20y&a=2+3"), (Form{{"a", "1"}, {"b", "x y"}, {"a", "2 3"}}));
  EXPECT_EQ(parse_form("flag&k=a=b&&=v&"), (Form{{"flag", ""}, {"k", "a=b"}, {"", "v"}}));
  EXPECT_EQ(parse_form(""), Form{});
}

TEST(HostPort, ReadsNamesAndBothFamilies) {
  const auto v4 = parse_host_port("127.0.0.1:8000");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 8000);
  const auto v6 = parse_host_port("[::1]:0");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 0);
  EXPECT_EQ(parse_host_port("localhost:65535")->port, 65535);
}

TEST(HostPort, RefusesTheRestWithASentence) {
  for (const char* text : {"", "8000", "localhost", "localhost:", ":80", "a:65536", "a:-1", "a:8x", "::1:80", "[::1]",
                           "[::1:80", "[nonsense]:80", "a b:80", "a/b:80", "u@h:80"}) {
    const auto parsed = parse_host_port(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidInput);
    EXPECT_NE(parsed.error().message.find("HOST:PORT"), std::string::npos);
  }
}

TEST(Url, ReadsItsParts) {
  const auto plain = parse_url("http://example.org/a/b?c=d#e");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "example.org");
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->target, "/a/b?c=d");
  const auto tls = parse_url("HTTPS://[2001:db8::1]:8443?x");
  ASSERT_TRUE(tls);
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->host, "2001:db8::1");
  EXPECT_EQ(tls->port, 8443);
  EXPECT_EQ(tls->target, "/?x");
  EXPECT_EQ(parse_url("https://example.org")->port, 443);
  EXPECT_EQ(parse_url("https://example.org")->target, "/");
}

TEST(Url, RefusesWhatItCannotCall) {
  for (const char* text : {"", "example.org", "ftp://example.org", "http://", "http:///path", "http://a:b/",
                           "http://user@host/", "http://host/a b", "http://host/a\r\nX: y"})
    EXPECT_FALSE(parse_url(text)) << text;
}

TEST(Loopback, IsThisMachineAlone) {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"", "0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.example.org",
                           "localhost.example.org", "::ffff:10.0.0.1", "127.1"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(ReasonPhrase, KnowsCommonOnesAndNeverFails) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(429), "Too Many Requests");
  EXPECT_FALSE(reason_phrase(599).empty());
}

}  // namespace
}  // namespace facefleet::net
