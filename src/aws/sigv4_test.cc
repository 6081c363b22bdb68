// AWS's published examples. The suite's (requests to example.amazonaws.com) are in aws-c-auth's signing test suite;
// S3's are in "Authenticating Requests: Using the Authorization Header" and "… Using Query Parameters".
#include "aws/sigv4.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hash.h"

namespace facefleet::aws {
namespace {

constexpr std::int64_t kSuiteMs = 1'440'938'160'000;  // 2015-08-30T12:36:00Z
constexpr std::int64_t kS3Ms = 1'369'353'600'000;     // 2013-05-24T00:00:00Z

const Credentials kSuite{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const Credentials kS3{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};

using Fields = std::vector<std::pair<std::string, std::string>>;

net::HttpRequest make_request(std::string method, std::string target, const Fields& fields, std::string body = "") {
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  for (const auto& [name, value] : fields) request.headers.add(name, value);
  request.body = std::move(body);
  return request;
}

auto secret_of(const Credentials& known) {
  return [known](std::string_view id) -> std::optional<std::string> {
    if (id != known.access_key_id) return std::nullopt;
    return known.secret_access_key;
  };
}

std::string reason_of(const Result<Verified>& verified) { return verified ? "" : verified.error().reason; }

struct Example {
  std::string name;
  std::string method;
  std::string target;
  Fields fields;  // besides Host
  std::string body;
  std::string token;
  std::string signed_headers;
  std::string signature;
};

class PublishedSuite : public testing::TestWithParam<Example> {};

TEST_P(PublishedSuite, SignsAsPublishedAndVerifies) {
  const Example& example = GetParam();
  auto request = make_request(example.method, example.target, {{"Host", "example.amazonaws.com"}}, example.body);
  for (const auto& [name, value] : example.fields) request.headers.add(name, value);
  Credentials credentials = kSuite;
  credentials.session_token = example.token;
  SigningKeys keys;
  sign(request, credentials, {"us-east-1", "service"}, kSuiteMs, std::nullopt, &keys);
  EXPECT_EQ(request.headers.get("authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" +
                example.signed_headers + ", Signature=" + example.signature);

  const auto verified = verify(request, secret_of(kSuite), kSuiteMs, &keys);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(verified->scope.service, "service");

  request.method = request.method == "GET" ? "PUT" : "GET";
  EXPECT_EQ(reason_of(verify(request, secret_of(kSuite), kSuiteMs)), "SignatureDoesNotMatch");
}

INSTANTIATE_TEST_SUITE_P(
    Aws, PublishedSuite,
    testing::Values(
        Example{"GetVanilla",
                "GET",
                "/",
                {},
                "",
                "",
                "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Example{"GetUtf8",
                "GET",
                "/\xE1\x88\xB4",
                {},
                "",
                "",
                "host;x-amz-date",
                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        Example{"GetSpace",
                "GET",
                "/example space/",
                {},
                "",
                "",
                "host;x-amz-date",
                "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        Example{"GetSlashes",
                "GET",
                "//example//",
                {},
                "",
                "",
                "host;x-amz-date",
                "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
        Example{"GetRelativeRelative",
                "GET",
                "/example1/example2/../..",
                {},
                "",
                "",
                "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Example{"GetQuery",
                "GET",
                "/?Param1=value1",
                {},
                "",
                "",
                "host;x-amz-date",
                "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
        Example{"GetQueryOrderKeyCase",
                "GET",
                "/?Param2=value2&Param1=value1",
                {},
                "",
                "",
                "host;x-amz-date",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        Example{"GetQueryOrderEncoded",
                "GET",
                "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
                {},
                "",
                "",
                "host;x-amz-date",
                "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
        Example{"GetHeaderKeyDuplicate",
                "GET",
                "/",
                {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
                "",
                "",
                "host;my-header1;x-amz-date",
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        Example{
            "GetHeaderValueOrder",
            "GET",
            "/",
            {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
            "",
            "",
            "host;my-header1;x-amz-date",
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
        Example{"GetHeaderValueTrim",
                "GET",
                "/",
                {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
                "",
                "",
                "host;my-header1;my-header2;x-amz-date",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        Example{"GetWithSessionToken",
                "GET",
                "/",
                {},
                "",
                "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
                "host;x-amz-date;x-amz-security-token",
                "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
        Example{"PostVanilla",
                "POST",
                "/",
                {},
                "",
                "",
                "host;x-amz-date",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        Example{"PostVanillaQuery",
                "POST",
                "/?Param1=value1",
                {},
                "",
                "",
                "host;x-amz-date",
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
        Example{"PostForm",
                "POST",
                "/",
                {{"Content-Type", "application/x-www-form-urlencoded"},
                 {"Content-Length", "13"},
                 {"X-Amz-Content-Sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}},
                "Param1=value1",
                "",
                "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
                "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"}),
    [](const auto& param) { return param.param.name; });

struct S3Example {
  std::string name;
  std::string method;
  std::string target;
  Fields fields;
  std::string body;
  std::string signature;
};

class PublishedS3 : public testing::TestWithParam<S3Example> {};

TEST_P(PublishedS3, SignsAsPublishedAndVerifies) {
  const S3Example& example = GetParam();
  auto request =
      make_request(example.method, example.target, {{"Host", "examplebucket.s3.amazonaws.com"}}, example.body);
  for (const auto& [name, value] : example.fields) request.headers.add(name, value);
  sign(request, kS3, {"us-east-1", "s3"}, kS3Ms);
  EXPECT_TRUE(request.headers.get("authorization")->ends_with(", Signature=" + example.signature))
      << *request.headers.get("authorization");

  EXPECT_TRUE(verify(request, secret_of(kS3), kS3Ms));
  request.body += "!";
  EXPECT_EQ(reason_of(verify(request, secret_of(kS3), kS3Ms)), "XAmzContentSHA256Mismatch");
}

INSTANTIATE_TEST_SUITE_P(Aws, PublishedS3,
                         testing::Values(S3Example{"GetWithRange",
                                                   "GET",
                                                   "/test.txt",
                                                   {{"Range", "bytes=0-9"}},
                                                   "",
                                                   "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
                                         S3Example{"Put",
                                                   "PUT",
                                                   "/test%24file.text",
                                                   {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                                    {"X-Amz-Storage-Class", "REDUCED_REDUNDANCY"}},
                                                   "Welcome to Amazon S3.",
                                                   "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
                                         S3Example{"GetLifecycle",
                                                   "GET",
                                                   "/?lifecycle",
                                                   {},
                                                   "",
                                                   "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
                                         S3Example{"List",
                                                   "GET",
                                                   "/?max-keys=2&prefix=J",
                                                   {},
                                                   "",
                                                   "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}),
                         [](const auto& param) { return param.param.name; });

// The presigned GET of S3's documentation.
net::HttpRequest presigned_request() {
  return make_request("GET",
                      "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
                      "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
                      "X-Amz-SignedHeaders=host&X-Amz-Signature="
                      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
                      {{"Host", "examplebucket.s3.amazonaws.com"}});
}

TEST(Presigned, VerifiesUntilItExpires) {
  const auto request = presigned_request();
  EXPECT_TRUE(verify(request, secret_of(kS3), kS3Ms));
  EXPECT_TRUE(verify(request, secret_of(kS3), kS3Ms + 86'400'000));
  EXPECT_EQ(reason_of(verify(request, secret_of(kS3), kS3Ms + 86'401'000)), "AccessDenied");
  EXPECT_EQ(reason_of(verify(request, secret_of(kS3), kS3Ms - 901'000)), "AccessDenied");
}

TEST(Presigned, AnotherKeyOrAnUnsignedHeaderIsRefused) {
  auto request = presigned_request();
  request.target.replace(1, 4, "best");
  EXPECT_EQ(reason_of(verify(request, secret_of(kS3), kS3Ms)), "SignatureDoesNotMatch");
  request = presigned_request();
  request.headers.add("x-amz-acl", "public-read");
  EXPECT_EQ(reason_of(verify(request, secret_of(kS3), kS3Ms)), "AccessDenied");
}

TEST(Presigned, OddExpiryIsRefused) {
  for (const std::string odd : {"", "-1", "604801", "1x", "99999999999999999999"}) {
    auto request = presigned_request();
    request.target.replace(request.target.find("86400"), 5, odd);
    EXPECT_EQ(reason_of(verify(request, secret_of(kS3), kS3Ms)), "IncompleteSignature") << odd;
  }
}

net::HttpRequest signed_request(const std::string& service, const std::string& target = "/") {
  auto request = make_request("POST", target, {{"Host", "127.0.0.1:9324"}, {"Content-Type", "text/plain"}}, "body");
  sign(request, kSuite, {"mars-1", service}, kSuiteMs);
  return request;
}

TEST(Verify, SaysWhatAwsSays) {
  const auto unknown = [](std::string_view) { return std::optional<std::string>(); };
  auto request = make_request("POST", "/", {{"Host", "h"}});
  EXPECT_EQ(reason_of(verify(request, secret_of(kSuite), kSuiteMs)), "MissingAuthenticationToken");
  EXPECT_EQ(reason_of(verify(signed_request("sqs"), unknown, kSuiteMs)), "InvalidClientTokenId");
  EXPECT_EQ(reason_of(verify(signed_request("s3"), unknown, kSuiteMs)), "InvalidAccessKeyId");
  EXPECT_EQ(reason_of(verify(signed_request("ec2"), unknown, kSuiteMs)), "AuthFailure");

  for (const std::int64_t skew_ms : {-901'000, 901'000}) {
    EXPECT_EQ(reason_of(verify(signed_request("sqs"), secret_of(kSuite), kSuiteMs + skew_ms)), "SignatureDoesNotMatch");
    EXPECT_EQ(reason_of(verify(signed_request("s3"), secret_of(kSuite), kSuiteMs + skew_ms)), "RequestTimeTooSkewed");
    EXPECT_EQ(reason_of(verify(signed_request("ec2"), secret_of(kSuite), kSuiteMs + skew_ms)), "RequestExpired");
  }
  for (const std::int64_t skew_ms : {-900'000, 900'000})
    EXPECT_TRUE(verify(signed_request("sqs"), secret_of(kSuite), kSuiteMs + skew_ms));
}

TEST(Verify, MalformedAuthorizationIsIncomplete) {
  const auto good = std::string(*signed_request("sqs").headers.get("authorization"));
  const auto with = [](std::string authorization) {
    auto request = signed_request("sqs");
    request.headers.set("Authorization", std::move(authorization));
    return reason_of(verify(request, secret_of(kSuite), kSuiteMs));
  };
  EXPECT_EQ(with(good), "");
  EXPECT_EQ(with("Basic Zm9vOmJhcg=="), "IncompleteSignature");
  EXPECT_EQ(with("AWS4-HMAC-SHA256"), "IncompleteSignature");
  for (std::size_t size = 0; size + 64 < good.size(); ++size)
    EXPECT_EQ(with(good.substr(0, size)), "IncompleteSignature") << good.substr(0, size);
  auto undated = signed_request("sqs");
  undated.headers.set("X-Amz-Date", "yesterday");
  EXPECT_EQ(reason_of(verify(undated, secret_of(kSuite), kSuiteMs)), "IncompleteSignature");
  undated.headers.set("X-Amz-Date", "20150831T000000Z");
  EXPECT_EQ(reason_of(verify(undated, secret_of(kSuite), kSuiteMs)), "SignatureDoesNotMatch");
}

TEST(Verify, WhatIsSignedCannotBeChanged) {
  auto request = signed_request("sqs", "/a?b=c");
  request.body = "other";
  EXPECT_EQ(reason_of(verify(request, secret_of(kSuite), kSuiteMs)), "SignatureDoesNotMatch");
  request = signed_request("sqs", "/a?b=c");
  request.target = "/a?b=d";
  EXPECT_EQ(reason_of(verify(request, secret_of(kSuite), kSuiteMs)), "SignatureDoesNotMatch");
  request = signed_request("sqs");
  request.headers.set("Content-Type", "text/html");
  EXPECT_EQ(reason_of(verify(request, secret_of(kSuite), kSuiteMs)), "SignatureDoesNotMatch");
  request = signed_request("sqs");
  request.headers.add("X-Amz-Target", "AmazonSQS.PurgeQueue");
  EXPECT_EQ(reason_of(verify(request, secret_of(kSuite), kSuiteMs)), "AccessDenied");
  request = signed_request("sqs");
  request.headers.add("User-Agent", "hops may add this");
  EXPECT_TRUE(verify(request, secret_of(kSuite), kSuiteMs));
}

TEST(Verify, S3AcceptsPayloadMarkersAndNeedsTheHeader) {
  auto request = make_request("PUT", "/b/k", {{"Host", "h"}}, "body");
  for (const std::string marker : {"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}) {
    sign(request, kSuite, {"us-east-1", "s3"}, kSuiteMs, marker);
    EXPECT_TRUE(verify(request, secret_of(kSuite), kSuiteMs)) << marker;
  }
  sign(request, kSuite, {"us-east-1", "s3"}, kSuiteMs, "not a hash");
  EXPECT_EQ(reason_of(verify(request, secret_of(kSuite), kSuiteMs)), "XAmzContentSHA256Mismatch");

  auto bare = make_request("PUT", "/b/k", {{"Host", "h"}}, "body");
  sign(bare, kSuite, {"us-east-1", "s3x"}, kSuiteMs);
  std::string authorization(*bare.headers.get("authorization"));
  authorization.replace(authorization.find("/s3x/"), 5, "/s3/");
  bare.headers.set("Authorization", authorization);
  EXPECT_EQ(reason_of(verify(bare, secret_of(kSuite), kSuiteMs)), "InvalidRequest");
}

TEST(Verify, S3PathsAreNeitherNormalisedNorEncodedTwice) {
  auto request = make_request("GET", "/b/a/../c%20d", {{"Host", "h"}});
  sign(request, kSuite, {"us-east-1", "s3"}, kSuiteMs);
  auto other = request;
  other.target = "/b/c%20d";
  EXPECT_EQ(reason_of(verify(other, secret_of(kSuite), kSuiteMs)), "SignatureDoesNotMatch");
  other.target = "/b/a/../c d";  // another spelling of the same key
  EXPECT_TRUE(verify(other, secret_of(kSuite), kSuiteMs));
  other.target = "/b/%61/../c%20d";
  EXPECT_TRUE(verify(other, secret_of(kSuite), kSuiteMs));
  other.target = "/b%2Fa/../c%20d";  // an escaped slash is not a slash
  EXPECT_EQ(reason_of(verify(other, secret_of(kSuite), kSuiteMs)), "SignatureDoesNotMatch");
}

TEST(SigningKeys, MatchesThePublishedDerivationAndForgetsTheOldest) {
  // "Deriving the signing key", AWS General Reference.
  SigningKeys keys;
  const std::string secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  const std::string published = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
  EXPECT_EQ(hex(keys.get(secret, "20150830", {"us-east-1", "iam"})), published);
  for (int day = 10; day < 30; ++day) {
    const std::string date = "201508" + std::to_string(day);
    const std::string key = keys.get(secret, date, {"us-east-1", "iam"});
    EXPECT_EQ(keys.get(secret, date, {"us-east-1", "iam"}), key);
  }
  EXPECT_EQ(hex(keys.get(secret, "20150830", {"us-east-1", "iam"})), published);
}

}  // namespace
}  // namespace facefleet::aws
