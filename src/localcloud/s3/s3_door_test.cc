#include "localcloud/s3/s3_door.h"

#include <gmock/gmock.h>

#include "aws/wire_checksum.h"
#include "aws/xml.h"
#include "base/hash.h"
#include "localcloud/doors_under_test.h"

namespace facefleet::localcloud::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

net::Headers headers(std::initializer_list<std::pair<const char*, std::string>> fields) {
  net::Headers all;
  for (const auto& [name, value] : fields) all.add(name, value);
  return all;
}

class S3DoorTest : public testing::Test {
 protected:
  S3DoorTest() { EXPECT_EQ(doors_.s3("PUT", "/bucket").status, 200); }

  static void expect_error(const net::HttpResponse& answer, int status, const std::string& code) {
    EXPECT_EQ(answer.status, status);
    EXPECT_THAT(answer.body, HasSubstr("<Code>" + code + "</Code>"));
  }
  void put(const std::string& key, const std::string& body) {
    ASSERT_EQ(doors_.s3("PUT", "/bucket/" + key, body).status, 200);
  }
  static std::vector<std::string> texts(const net::HttpResponse& answer, const std::string& element,
                                        const std::string& inner) {
    std::vector<std::string> found;
    const auto document = aws::XmlDocument::parse(answer.body).value();
    for (const aws::XmlElement& one : document.root().children(element)) found.emplace_back(one.text(inner));
    return found;
  }
  static std::string text(const net::HttpResponse& answer, const std::string& path) {
    return std::string(aws::XmlDocument::parse(answer.body).value().root().text(path));
  }

  DoorsUnderTest doors_;
};

TEST_F(S3DoorTest, AnObjectComesBackAsItWas) {
  Bytes body("\0\1\xff\r\n photo", 11);
  const auto sent = doors_.s3("PUT", "/bucket/a%20b/%2B%2b.jpg", body,
                              headers({{"Content-Type", "image/jpeg"}, {"X-Amz-Meta-Who", "me"}}));
  EXPECT_EQ(sent.status, 200) << sent.body;
  const std::string etag = "\"" + hex(md5(body)) + "\"";
  EXPECT_EQ(sent.headers.get("ETag"), etag);
  const auto got = doors_.s3("GET", "/bucket/a%20b/++.jpg");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, body);
  EXPECT_EQ(got.headers.get("ETag"), etag);
  EXPECT_EQ(got.headers.get("Content-Type"), "image/jpeg");
  EXPECT_EQ(got.headers.get("x-amz-meta-who"), "me");
  EXPECT_TRUE(got.headers.get("Last-Modified")->ends_with(" GMT"));
  const auto head = doors_.s3("HEAD", "/bucket/a%20b/++.jpg");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.get("Content-Length"), std::to_string(body.size()));
  EXPECT_THAT(head.body, IsEmpty());
}

TEST_F(S3DoorTest, WhatIsNotThere) {
  expect_error(doors_.s3("GET", "/bucket/none"), 404, "NoSuchKey");
  expect_error(doors_.s3("GET", "/nobucket/none"), 404, "NoSuchBucket");
  expect_error(doors_.s3("PUT", "/nobucket/key", "x"), 404, "NoSuchBucket");
  expect_error(doors_.s3("GET", "/nobucket"), 404, "NoSuchBucket");
  EXPECT_EQ(doors_.s3("HEAD", "/bucket/none").status, 404);
  EXPECT_EQ(doors_.s3("HEAD", "/nobucket").status, 404);
  EXPECT_EQ(doors_.s3("DELETE", "/bucket/none").status, 204);
}

TEST_F(S3DoorTest, Ranges) {
  put("k", "0123456789");
  const auto range = [this](const std::string& bytes) {
    return doors_.s3("GET", "/bucket/k", {}, headers({{"Range", bytes}}));
  };
  auto part = range("bytes=2-4");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.headers.get("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(range("bytes=7-").body, "789");
  EXPECT_EQ(range("bytes=7-99").headers.get("Content-Range"), "bytes 7-9/10");
  part = range("bytes=-3");
  EXPECT_EQ(part.body, "789");
  EXPECT_EQ(part.headers.get("Content-Range"), "bytes 7-9/10");
  EXPECT_EQ(range("bytes=-99").body, "0123456789");
  expect_error(range("bytes=10-"), 416, "InvalidRange");
  expect_error(range("bytes=-0"), 416, "InvalidRange");
  for (const char* ignored : {"bytes=4-2", "bytes=a-b", "bytes=1-2,4-5", "lines=1-2", "bytes=-"}) {
    const auto whole = range(ignored);
    EXPECT_EQ(whole.status, 200) << ignored;
    EXPECT_EQ(whole.body, "0123456789") << ignored;
  }
}

TEST_F(S3DoorTest, Conditions) {
  put("k", "one");
  const std::string etag = "\"" + hex(md5("one")) + "\"";
  const auto get = [this](const char* name, const std::string& value) {
    return doors_.s3("GET", "/bucket/k", {}, headers({{name, value}}));
  };
  EXPECT_EQ(get("If-None-Match", etag).status, 304);
  EXPECT_THAT(get("If-None-Match", etag).body, IsEmpty());
  EXPECT_EQ(get("If-None-Match", "\"other\"").status, 200);
  EXPECT_EQ(get("If-Match", etag).status, 200);
  expect_error(get("If-Match", "\"other\""), 412, "PreconditionFailed");
  EXPECT_EQ(get("If-Modified-Since", "Mon, 12 Oct 2009 17:50:30 GMT").status, 200);
  EXPECT_EQ(get("If-Modified-Since", "Mon, 12 Oct 2099 17:50:30 GMT").status, 304);
  expect_error(get("If-Unmodified-Since", "Mon, 12 Oct 2009 17:50:30 GMT"), 412, "PreconditionFailed");

  expect_error(doors_.s3("PUT", "/bucket/k", "two", headers({{"If-None-Match", "*"}})), 412, "PreconditionFailed");
  expect_error(doors_.s3("PUT", "/bucket/k", "two", headers({{"If-Match", "\"other\""}})), 412, "PreconditionFailed");
  EXPECT_EQ(doors_.s3("PUT", "/bucket/k", "two", headers({{"If-Match", etag}})).status, 200);
  EXPECT_EQ(doors_.s3("PUT", "/bucket/new", "x", headers({{"If-None-Match", "*"}})).status, 200);
  EXPECT_EQ(doors_.s3("GET", "/bucket/k").body, "two");
}

TEST_F(S3DoorTest, ABodyThatIsNotWhatWasStatedIsRefused) {
  const auto put_with = [this](const char* name, const std::string& value) {
    return doors_.s3("PUT", "/bucket/k", "photo", headers({{name, value}}));
  };
  EXPECT_EQ(put_with("Content-MD5", base64(md5("photo"))).status, 200);
  expect_error(put_with("Content-MD5", base64(md5("other"))), 400, "BadDigest");
  expect_error(put_with("Content-MD5", "rubbish"), 400, "InvalidDigest");
  for (const char* algorithm : {"crc32", "crc32c", "crc64nvme", "sha1", "sha256"}) {
    const std::string name = std::string("x-amz-checksum-") + algorithm;
    const auto stored = put_with(name.c_str(), *aws::checksum(algorithm, "photo"));
    EXPECT_EQ(stored.status, 200) << stored.body;
    EXPECT_EQ(stored.headers.get(name), aws::checksum(algorithm, "photo"));
    expect_error(put_with(name.c_str(), *aws::checksum(algorithm, "other")), 400, "BadDigest");
  }
  expect_error(put_with("x-amz-checksum-md17", "x"), 400, "InvalidRequest");
}

// As boto3 and the JavaScript SDK upload a stream.
TEST_F(S3DoorTest, ChunkedUploadsWithATrailingChecksum) {
  const auto upload = [this](const std::string& sum, const std::string& length) {
    net::HttpRequest request;
    request.method = "PUT";
    request.target = "/bucket/k";
    request.headers = headers({{"Content-Encoding", "aws-chunked"},
                               {"X-Amz-Decoded-Content-Length", length},
                               {"X-Amz-Trailer", "x-amz-checksum-crc32"},
                               {"Host", doors_.host()}});
    request.body = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n";
    aws::sign(request, doors_.credentials(), {"us-east-1", "s3"}, doors_.clock().wall_ms(),
              "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    return doors_.send_unsigned(std::move(request));
  };
  const auto stored = upload(*aws::checksum("crc32", "hello world"), "11");
  EXPECT_EQ(stored.status, 200) << stored.body;
  EXPECT_EQ(doors_.s3("GET", "/bucket/k").body, "hello world");
  expect_error(upload(*aws::checksum("crc32", "other"), "11"), 400, "BadDigest");
  expect_error(upload(*aws::checksum("crc32", "hello world"), "12"), 400, "IncompleteBody");
}

TEST_F(S3DoorTest, ListingsOfBothVersionsPageThroughEverything) {
  for (const char* key : {"a", "b/1", "b/2", "c%0A", "d"}) put(key, key);
  for (const std::string& version : {std::string(), std::string("&list-type=2")}) {
    std::vector<std::string> keys;
    std::vector<std::string> prefixes;
    std::string place;
    for (int page = 0; page < 10; ++page) {
      const auto listed = doors_.s3("GET", "/bucket?delimiter=%2F&encoding-type=url&max-keys=1" + version + place);
      ASSERT_EQ(listed.status, 200) << listed.body;
      for (auto& key : texts(listed, "Contents", "Key")) keys.push_back(std::move(key));
      for (auto& prefix : texts(listed, "CommonPrefixes", "Prefix")) prefixes.push_back(std::move(prefix));
      if (text(listed, "IsTruncated") == "false") break;
      place = version.empty() ? "&marker=" + text(listed, "NextMarker")
                              : "&continuation-token=" + net::percent_encode(text(listed, "NextContinuationToken"));
    }
    EXPECT_THAT(keys, ElementsAre("a", "c%0A", "d"));
    EXPECT_THAT(prefixes, ElementsAre("b/"));
  }
  const auto below = doors_.s3("GET", "/bucket?prefix=b%2F");
  EXPECT_THAT(texts(below, "Contents", "Key"), ElementsAre("b/1", "b/2"));
  EXPECT_THAT(texts(below, "Contents", "Size"), ElementsAre("3", "3"));
  EXPECT_EQ(text(doors_.s3("GET", "/bucket?list-type=2"), "KeyCount"), "5");
  EXPECT_THAT(texts(doors_.s3("GET", "/bucket?max-keys=0"), "Contents", "Key"), IsEmpty());
  expect_error(doors_.s3("GET", "/bucket?max-keys=x"), 400, "InvalidArgument");
  expect_error(doors_.s3("GET", "/bucket?list-type=2&continuation-token=%21"), 400, "InvalidArgument");
}

TEST_F(S3DoorTest, ManyObjectsAreDeletedAtOnce) {
  for (const char* key : {"a", "b", "c%26"}) put(key, key);
  const auto deleted = doors_.s3("POST", "/bucket?delete=",
                                 "<Delete><Object><Key>a</Key></Object><Object><Key>c&amp;</Key></Object>"
                                 "<Object><Key>none</Key></Object></Delete>");
  EXPECT_EQ(deleted.status, 200) << deleted.body;
  EXPECT_THAT(texts(deleted, "Deleted", "Key"), ElementsAre("a", "c&", "none"));
  const auto quietly =
      doors_.s3("POST", "/bucket?delete", "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>");
  EXPECT_THAT(texts(quietly, "Deleted", "Key"), IsEmpty());
  EXPECT_THAT(texts(doors_.s3("GET", "/bucket"), "Contents", "Key"), IsEmpty());
  expect_error(doors_.s3("POST", "/bucket?delete", "<Delete>"), 400, "MalformedXML");
  expect_error(doors_.s3("POST", "/bucket?delete", "<Delete></Delete>"), 400, "MalformedXML");
}

TEST_F(S3DoorTest, Buckets) {
  EXPECT_EQ(doors_.s3("PUT", "/bucket").status, 200) << "creating it again changes nothing";
  EXPECT_EQ(doors_.s3("PUT", "/another").status, 200);
  const auto listed = doors_.s3("GET", "/");
  EXPECT_THAT(listed.body, HasSubstr("<Name>another</Name>"));
  EXPECT_THAT(listed.body, HasSubstr("<Name>bucket</Name>"));
  EXPECT_EQ(doors_.s3("HEAD", "/bucket").status, 200);
  EXPECT_THAT(doors_.s3("GET", "/bucket?location").body, HasSubstr("LocationConstraint"));
  put("k", "x");
  expect_error(doors_.s3("DELETE", "/bucket"), 409, "BucketNotEmpty");
  EXPECT_EQ(doors_.s3("DELETE", "/bucket/k").status, 204);
  EXPECT_EQ(doors_.s3("DELETE", "/bucket").status, 204);
  expect_error(doors_.s3("DELETE", "/bucket"), 404, "NoSuchBucket");
  expect_error(doors_.s3("PUT", "/No_Bucket"), 400, "InvalidBucketName");
}

TEST_F(S3DoorTest, AnUploadInParts) {
  const auto begun = doors_.s3("POST", "/bucket/dir/k?uploads=", {}, headers({{"X-Amz-Meta-Who", "me"}}));
  const std::string upload = "/bucket/dir/k?uploadId=" + text(begun, "UploadId");
  const std::string one(5 << 20, '1');
  const auto first = doors_.s3("PUT", upload + "&partNumber=1", one);
  ASSERT_EQ(first.status, 200) << first.body;
  put("source", "0123456789");
  const auto second =
      doors_.s3("PUT", upload + "&partNumber=2", {},
                headers({{"x-amz-copy-source", "/bucket/source"}, {"x-amz-copy-source-range", "bytes=2-4"}}));
  EXPECT_EQ(text(second, "ETag"), "\"" + hex(md5("234")) + "\"");
  const auto parts = doors_.s3("GET", upload + "&max-parts=1");
  EXPECT_THAT(texts(parts, "Part", "PartNumber"), ElementsAre("1"));
  EXPECT_EQ(text(parts, "IsTruncated"), "true");
  EXPECT_THAT(texts(doors_.s3("GET", upload + "&part-number-marker=1"), "Part", "Size"), ElementsAre("3"));
  EXPECT_THAT(texts(doors_.s3("GET", "/bucket?uploads"), "Upload", "Key"), ElementsAre("dir/k"));

  const auto complete = [&](const std::string& etag) {
    return doors_.s3("POST", upload,
                     "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag +
                         "</ETag></Part><Part><PartNumber>2</PartNumber><ETag>" + text(second, "ETag") +
                         "</ETag></Part></CompleteMultipartUpload>");
  };
  expect_error(complete("\"00\""), 400, "InvalidPart");
  const auto done = complete(std::string(*first.headers.get("ETag")));
  EXPECT_EQ(text(done, "ETag"), "\"" + hex(md5(md5(one) + md5("234"))) + "-2\"");
  const auto got = doors_.s3("GET", "/bucket/dir/k");
  EXPECT_TRUE(got.body == one + "234");
  EXPECT_EQ(got.headers.get("x-amz-meta-who"), "me");
  expect_error(doors_.s3("PUT", upload + "&partNumber=1", "x"), 404, "NoSuchUpload");
  expect_error(doors_.s3("POST", upload, "<CompleteMultipartUpload/>"), 400, "MalformedXML");
  expect_error(doors_.s3("PUT", upload + "&partNumber=10001", "x"), 400, "InvalidArgument");
  const auto other = doors_.s3("POST", "/bucket/x?uploads=");
  EXPECT_EQ(doors_.s3("DELETE", "/bucket/x?uploadId=" + text(other, "UploadId")).status, 204);
  expect_error(doors_.s3("DELETE", "/bucket/x?uploadId=" + text(other, "UploadId")), 404, "NoSuchUpload");
}

TEST_F(S3DoorTest, Copies) {
  const auto sent = doors_.s3("PUT", "/bucket/a%20b", "body",
                              headers({{"Content-Type", "image/png"}, {"X-Amz-Meta-A", "1"}, {"Cache-Control", "no"}}));
  const auto copy = [this](const char* to, const std::string& source,
                           std::initializer_list<std::pair<const char*, std::string>> more = {}) {
    net::Headers fields = headers(more);
    fields.set("x-amz-copy-source", source);
    return doors_.s3("PUT", to, {}, fields);
  };
  EXPECT_EQ(text(copy("/bucket/c", "/bucket/a%20b"), "ETag"), sent.headers.get("ETag"));
  auto got = doors_.s3("GET", "/bucket/c");
  EXPECT_EQ(got.body, "body");
  EXPECT_EQ(got.headers.get("Content-Type"), "image/png");
  EXPECT_EQ(got.headers.get("x-amz-meta-a"), "1");
  EXPECT_EQ(got.headers.get("cache-control"), "no");
  EXPECT_EQ(copy("/bucket/c", "bucket/c", {{"x-amz-metadata-directive", "REPLACE"}, {"x-amz-meta-b", "2"}}).status,
            200);
  got = doors_.s3("GET", "/bucket/c?response-content-type=text%2Fplain");
  EXPECT_EQ(got.headers.get("x-amz-meta-a"), std::nullopt);
  EXPECT_EQ(got.headers.get("x-amz-meta-b"), "2");
  EXPECT_EQ(got.headers.get("Content-Type"), "text/plain");
  expect_error(copy("/bucket/c", "/bucket/c"), 400, "InvalidRequest");
  expect_error(copy("/bucket/c", "/bucket/none"), 404, "NoSuchKey");
  expect_error(copy("/bucket/c", "nothing"), 400, "InvalidArgument");
  expect_error(copy("/bucket/c", "/bucket/a%20b", {{"x-amz-copy-source-if-match", "\"x\""}}), 412,
               "PreconditionFailed");
}

TEST_F(S3DoorTest, AnUnversionedBucketHasOneVersionOfEachObject) {
  put("a", "1");
  put("b/c", "2");
  const auto versions = doors_.s3("GET", "/bucket?versions&delimiter=%2F");
  EXPECT_THAT(texts(versions, "Version", "Key"), ElementsAre("a"));
  EXPECT_THAT(texts(versions, "Version", "VersionId"), ElementsAre("null"));
  EXPECT_THAT(texts(versions, "CommonPrefixes", "Prefix"), ElementsAre("b/"));
  EXPECT_EQ(doors_.s3("DELETE", "/bucket/a?versionId=null").status, 204);
  EXPECT_EQ(doors_.s3("GET", "/bucket/a").status, 404);
}

// As `aws s3 presign` of the command line v1 makes it.
TEST_F(S3DoorTest, LinksPresignedTheOldWay) {
  put("a/k", "linked");
  const auto follow = [this](const std::string& method, std::int64_t expires_s, const std::string& secret,
                             const std::string& more = {}) {
    const std::string to_sign = method + "\n\n\n" + std::to_string(expires_s) + "\n/bucket/a/k" + more;
    net::HttpRequest request;
    request.method = method;
    request.headers.set("Host", doors_.host());
    request.target = "/bucket/a/k?AWSAccessKeyId=AKTEST&Expires=" + std::to_string(expires_s) +
                     "&Signature=" + net::percent_encode(base64(hmac_sha1(secret, to_sign)));
    if (!more.empty()) request.target += "&" + more.substr(1);
    return doors_.send_unsigned(std::move(request));
  };
  const std::int64_t now_s = doors_.clock().wall_ms() / 1'000;
  const std::string& secret = doors_.credentials().secret_access_key;
  EXPECT_EQ(follow("GET", now_s + 60, secret).body, "linked");
  EXPECT_EQ(follow("GET", now_s + 60, secret, "?response-content-type=a").headers.get("Content-Type"), "a");
  expect_error(follow("GET", now_s + 60, "another"), 403, "SignatureDoesNotMatch");
  expect_error(follow("GET", now_s - 60, secret), 403, "AccessDenied");
  expect_error(follow("DELETE", now_s - 60, secret), 403, "AccessDenied");
}

TEST_F(S3DoorTest, WhatIsNotImplementedSaysSo) {
  expect_error(doors_.s3("GET", "/bucket/k?tagging="), 501, "NotImplemented");
  expect_error(doors_.s3("GET", "/bucket?acl"), 501, "NotImplemented");
  expect_error(doors_.s3("PUT", "/bucket?versioning", "<x/>"), 501, "NotImplemented");
  expect_error(doors_.s3("PATCH", "/bucket/k"), 405, "MethodNotAllowed");
  expect_error(doors_.s3("PUT", "/bucket/" + std::string(1'025, 'k'), "x"), 400, "KeyTooLongError");
}

TEST_F(S3DoorTest, ABucketCanBeNamedByTheHost) {
  put("dir/k", "x");
  net::HttpRequest request;
  request.target = "/dir/k";
  request.headers.set("Host", "bucket.localhost:1234");
  aws::sign(request, doors_.credentials(), {"us-east-1", "s3"}, doors_.clock().wall_ms());
  EXPECT_EQ(doors_.send_unsigned(std::move(request)).body, "x");
}

TEST_F(S3DoorTest, AnErrorSaysWhatWasAskedFor) {
  const auto none = doors_.s3("GET", "/bucket/none%20here");
  EXPECT_EQ(text(none, "Resource"), "/bucket/none%20here");
  EXPECT_EQ(text(none, "RequestId"), none.headers.get("x-amz-request-id"));
  EXPECT_THAT(none.body, Not(IsEmpty()));
}

}  // namespace
}  // namespace facefleet::localcloud::s3
