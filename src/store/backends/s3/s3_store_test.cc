// Requests, and answers as S3's API reference shows them.
#include "store/backends/s3/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/test_service.h"
#include "base/hash.h"
#include "net/test_peers.h"

namespace facefleet::store {
namespace {

using asio::ip::tcp;
using testing::ElementsAre;
using testing::StartsWith;

std::string error_body(const std::string& code) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
         "</Code><Message>words</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>";
}

class S3StoreTest : public testing::Test {
 protected:
  const net::HttpRequest& last() const { return service_.requests().back(); }

  aws::TestService service_;
  std::unique_ptr<aws::Client> client_ = service_.open_client("s3");
  std::unique_ptr<ObjectStore> store_ = open_s3_store(*client_);
};

TEST_F(S3StoreTest, PutsWithMetadataAndConditions) {
  service_.answer(200, "",
                  {{"ETag", "\"1b2cf535f27731c974343645a3985328\""}, {"Date", "Wed, 01 Mar 2006 12:00:00 GMT"}});
  Put options;
  options.content_type = "image/jpeg";
  options.metadata = {{"Job", "j1"}};
  options.if_absent = true;
  options.if_etag = "abc";
  const auto info = service_.run(store_->put("bucket", "dir/a b+\xC3\xA9.jpg", "photo", options));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->etag, "1b2cf535f27731c974343645a3985328");
  EXPECT_EQ(info->size, 5u);
  EXPECT_EQ(info->modified_ms, 1'141'214'400'000);
  EXPECT_EQ(last().method, "PUT");
  EXPECT_EQ(last().target, "/bucket/dir/a%20b%2B%C3%A9.jpg");
  EXPECT_EQ(last().body, "photo");
  EXPECT_EQ(last().headers.get("content-type"), "image/jpeg");
  EXPECT_EQ(last().headers.get("x-amz-meta-job"), "j1");
  EXPECT_EQ(last().headers.get("if-none-match"), "*");
  EXPECT_EQ(last().headers.get("if-match"), "\"abc\"");
}

TEST_F(S3StoreTest, AFailedConditionIsAConflict) {
  Put absent;
  absent.if_absent = true;
  service_.answer(412, error_body("PreconditionFailed"));
  service_.answer(200, "another's");  // each conflict is followed by a look at what lies there
  EXPECT_EQ(service_.run(store_->put("bucket", "k", "x", absent)).error().code, Code::kConflict);
  Put match;
  match.if_etag = "abc";
  service_.answer(404, error_body("NoSuchKey"));
  service_.answer(404, error_body("NoSuchKey"));
  EXPECT_EQ(service_.run(store_->put("bucket", "k", "x", match)).error().code, Code::kConflict);
  service_.answer(404, error_body("NoSuchBucket"));
  const auto lost = service_.run(store_->put("bucket", "k", "x", match));
  EXPECT_EQ(lost.error().code, Code::kNotFound);
  EXPECT_EQ(lost.error().reason, "no_such_bucket");
  service_.answer(500, error_body("InternalError"));  // a conditional put that may have happened is tried once more
  service_.answer(500, error_body("InternalError"));
  EXPECT_EQ(service_.run(store_->put("bucket", "k", "x", match)).error().code, Code::kUnavailable);
  service_.answer(503, error_body("SlowDown"));  // one that has not is
  service_.answer(412, error_body("PreconditionFailed"));
  service_.answer(200, "another's");
  EXPECT_EQ(service_.run(store_->put("bucket", "k", "x", match)).error().code, Code::kConflict);
}

TEST_F(S3StoreTest, AConflictWithItsOwnBytesIsASuccess) {
  Put absent;
  absent.if_absent = true;
  service_.answer(412, error_body("PreconditionFailed"));
  service_.answer(200, "mine", {{"ETag", "\"e\""}});
  const auto mine = service_.run(store_->put("bucket", "k", "mine", absent));
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_EQ(mine->etag, "e");
}

TEST_F(S3StoreTest, AConditionalPutThatWasDoneBeforeItsKeptConnectionBrokeKnowsItsOwnObject) {
  tcp::acceptor acceptor(service_.context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  aws::Endpoint endpoint = service_.endpoint();
  endpoint.url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  const auto client = aws::Client::open(service_.context().get_executor(), std::move(endpoint), "s3", service_.clock(),
                                        service_.random())
                          .value();
  const auto store = open_s3_store(*client);
  bool served = false;
  asio::co_spawn(
      service_.context(),
      [&]() -> Task<> {
        net::RawPeer kept(co_await acceptor.async_accept(asio::use_awaitable));
        co_await kept.read_until("\r\n\r\n");
        co_await kept.write("HTTP/1.1 200 OK\r\nETag: \"o\"\r\nContent-Length: 3\r\n\r\nold");
        co_await kept.read_until("mine");
        kept.close();  // it is done, and nobody hears of it
        net::RawPeer next(co_await acceptor.async_accept(asio::use_awaitable));
        co_await next.read_until("mine");
        const std::string refusal = error_body("PreconditionFailed");
        co_await next.write("HTTP/1.1 412 Precondition Failed\r\nContent-Length: " + std::to_string(refusal.size()) +
                            "\r\n\r\n" + refusal);
        const std::string look = co_await next.read_until("\r\n\r\n");
        EXPECT_THAT(look, StartsWith("GET /bucket/k "));
        co_await next.write("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 4\r\n\r\nmine");
        served = true;
      },
      [](const std::exception_ptr& failure) { EXPECT_FALSE(failure); });
  EXPECT_EQ(service_.run(store->get("bucket", "k", std::nullopt)).value().body, "old");
  Put match;
  match.if_etag = "o";
  const auto mine = service_.run(store->put("bucket", "k", "mine", match));
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_EQ(mine->etag, "e");
  EXPECT_TRUE(served);
}

TEST_F(S3StoreTest, AConditionalPutWhoseAnswerIsLostIsSentAgainAndKnowsItsOwnObject) {
  Put absent;
  absent.if_absent = true;
  service_.answer(500, error_body("InternalError"));
  service_.answer(200, "", {{"ETag", "\"e\""}});
  EXPECT_TRUE(service_.run(store_->put("bucket", "k", "mine", absent)));
  EXPECT_EQ(service_.requests().size(), 2u);
  service_.answer(500, error_body("InternalError"));
  service_.answer(412, error_body("PreconditionFailed"));
  service_.answer(200, "mine", {{"ETag", "\"e\""}});
  const auto mine = service_.run(store_->put("bucket", "k", "mine", absent));
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_EQ(mine->etag, "e");
  service_.answer(500, error_body("InternalError"));
  service_.answer(412, error_body("PreconditionFailed"));
  service_.answer(200, "another's", {{"ETag", "\"f\""}});
  EXPECT_EQ(service_.run(store_->put("bucket", "k", "mine", absent)).error().code, Code::kConflict);
}

TEST_F(S3StoreTest, RefusesWhatNoHeaderCanCarryWithoutAsking) {
  Put smuggling;
  smuggling.metadata = {{"a", "b\r\nX-Amz-Acl: public-read"}};
  EXPECT_EQ(service_.run(store_->put("bucket", "k", "x", smuggling)).error().reason, "bad_metadata");
  smuggling.metadata = {{"a: b\r\nc", "d"}};
  EXPECT_EQ(service_.run(store_->put("bucket", "k", "x", smuggling)).error().reason, "bad_metadata");
  EXPECT_EQ(service_.run(store_->put("bucket", "", "x", {})).error().code, Code::kInvalidInput);
  EXPECT_EQ(service_.run(store_->put("bucket", std::string(1'025, 'k'), "x", {})).error().code, Code::kInvalidInput);
  EXPECT_EQ(service_.run(store_->create_bucket("no/slash")).error().code, Code::kInvalidInput);
  EXPECT_TRUE(service_.requests().empty());
}

TEST_F(S3StoreTest, GetsARange) {
  service_.answer(206, "0123456789",
                  {{"Content-Range", "bytes 0-9/443"},
                   {"ETag", "\"b2419b1e3fd45d596ee22bdf62aaaa2f\""},
                   {"Last-Modified", "Wed, 12 Oct 2009 17:50:00 GMT"},
                   {"Content-Type", "text/plain"},
                   {"x-amz-meta-Family", "Muntz"}});
  const auto object = service_.run(store_->get("bucket", "k", Range{0, 9}));
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(last().headers.get("range"), "bytes=0-9");
  EXPECT_EQ(object->body, "0123456789");
  EXPECT_EQ(object->info.size, 443u);
  EXPECT_EQ(object->info.modified_ms, 1'255'369'800'000);
  EXPECT_EQ(object->info.content_type, "text/plain");
  EXPECT_EQ(object->info.metadata.at("family"), "Muntz");

  service_.answer(206, "x", {{"Content-Range", "bytes 442-442/443"}});
  ASSERT_TRUE(service_.run(store_->get("bucket", "k", Range{442, UINT64_MAX})));
  EXPECT_EQ(last().headers.get("range"), "bytes=442-");
  service_.answer(416, error_body("InvalidRange"));
  const auto beyond = service_.run(store_->get("bucket", "k", Range{443, UINT64_MAX}));
  EXPECT_EQ(beyond.error().code, Code::kInvalidInput);
  EXPECT_EQ(beyond.error().reason, "invalid_range");
}

TEST_F(S3StoreTest, WhatIsNotThereSaysWhichItIs) {
  service_.answer(404, error_body("NoSuchKey"));
  EXPECT_EQ(service_.run(store_->get("bucket", "k", std::nullopt)).error().reason, "no_such_key");
  service_.answer(404, "");  // an answer to HEAD has no body: the bucket is asked for next
  service_.answer(200, "");
  EXPECT_EQ(service_.run(store_->head("bucket", "k")).error().reason, "no_such_key");
  EXPECT_EQ(last().target, "/bucket");
  service_.answer(404, "");
  service_.answer(404, "");
  const auto lost = service_.run(store_->head("bucket", "k"));
  EXPECT_EQ(lost.error().code, Code::kNotFound);
  EXPECT_EQ(lost.error().reason, "no_such_bucket");
}

TEST_F(S3StoreTest, RemovesManyAtOnce) {
  service_.answer(200, R"(<?xml version="1.0" encoding="UTF-8"?>
<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>)");
  ASSERT_TRUE(service_.run(store_->remove("bucket", {"a&b", "<c>"})));
  EXPECT_EQ(last().target, "/bucket?delete");
  EXPECT_EQ(last().body,
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
            "<Object><Key>a&amp;b</Key></Object><Object><Key>&lt;c&gt;</Key></Object></Delete>");
  EXPECT_EQ(last().headers.get("content-md5"), base64(md5(last().body)));

  service_.answer(200, R"(<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>no</Message></Error>
</DeleteResult>)");
  EXPECT_EQ(service_.run(store_->remove("bucket", {"a", "b"})).error().reason, "AccessDenied");
}

TEST_F(S3StoreTest, RemovesOneAndOddOnesByThemselves) {
  service_.answer(204, "");
  ASSERT_TRUE(service_.run(store_->remove("bucket", {"k"})));
  EXPECT_EQ(last().method, "DELETE");
  service_.answer(200, "<DeleteResult/>");
  service_.answer(204, "");
  ASSERT_TRUE(service_.run(store_->remove("bucket", {"a", "\x01", "b"})));
  EXPECT_EQ(last().target, "/bucket/%01");
  ASSERT_TRUE(service_.run(store_->remove("bucket", {})));
  EXPECT_EQ(service_.requests().size(), 3u);
}

TEST_F(S3StoreTest, Lists) {
  service_.answer(200, R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>bucket</Name><Prefix>p%2F</Prefix><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><EncodingType>url</EncodingType>
  <IsTruncated>true</IsTruncated><NextContinuationToken>1ueGcxLPRx1Tr</NextContinuationToken>
  <Contents><Key>p/my+image%2B.jpg</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>
    <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size><StorageClass>STANDARD</StorageClass>
  </Contents>
  <CommonPrefixes><Prefix>p/photos%2F</Prefix></CommonPrefixes>
</ListBucketResult>)");
  const auto listing = service_.run(store_->list("bucket", {"p/", "/", "p/a b", 2}));
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(last().target,
            "/bucket?encoding-type=url&list-type=2&max-keys=2&delimiter=%2F&prefix=p%2F&start-after=p%2Fa%20b");
  ASSERT_EQ(listing->objects.size(), 1u);
  EXPECT_EQ(listing->objects[0].key, "p/my image+.jpg");
  EXPECT_EQ(listing->objects[0].size, 434'234u);
  EXPECT_EQ(listing->objects[0].etag, "fba9dede5f27731c9771645a39863328");
  EXPECT_EQ(listing->objects[0].modified_ms, 1'255'369'830'000);
  EXPECT_THAT(listing->prefixes, ElementsAre("p/photos/"));
  EXPECT_TRUE(listing->truncated);
  EXPECT_GT(listing->next_start_after, "p/photos/zzz");
  EXPECT_LT(listing->next_start_after, "p/photos0");
}

TEST_F(S3StoreTest, Buckets) {
  service_.answer(200, "");
  EXPECT_TRUE(service_.run(store_->create_bucket("bucket")));
  EXPECT_EQ(last().body, "");
  service_.answer(409, error_body("BucketAlreadyOwnedByYou"));
  EXPECT_TRUE(service_.run(store_->create_bucket("bucket")));
  service_.answer(409, error_body("BucketAlreadyExists"));
  EXPECT_EQ(service_.run(store_->create_bucket("bucket")).error().code, Code::kConflict);
  service_.answer(409, error_body("BucketNotEmpty"));
  EXPECT_EQ(service_.run(store_->remove_bucket("bucket")).error().code, Code::kConflict);
  service_.answer(404, "");
  EXPECT_FALSE(service_.run(store_->has_bucket("bucket")).value());
  service_.answer(200, R"(<ListAllMyBucketsResult><Buckets><Bucket><CreationDate>2019-12-11T23:32:47Z</CreationDate>
<Name>DOC-EXAMPLE-BUCKET</Name></Bucket></Buckets></ListAllMyBucketsResult>)");
  const auto buckets = service_.run(store_->list_buckets());
  ASSERT_TRUE(buckets);
  ASSERT_EQ(buckets->size(), 1u);
  EXPECT_EQ(buckets->front().name, "DOC-EXAMPLE-BUCKET");
  EXPECT_EQ(buckets->front().created_ms, 1'576'107'167'000);
}

}  // namespace
}  // namespace facefleet::store
