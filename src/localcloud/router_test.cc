#include "localcloud/router.h"

#include <gtest/gtest.h>

namespace facefleet::localcloud {
namespace {

net::HttpRequest signed_for(const std::string& service) {
  net::HttpRequest request;
  request.headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260131/eu-west-1/" + service +
                                           "/aws4_request, SignedHeaders=host, Signature=00");
  return request;
}

TEST(RouterTest, TheTargetDecidesFirst) {
  net::HttpRequest request = signed_for("s3");
  request.headers.set("X-Amz-Target", "AmazonSQS.SendMessage");
  EXPECT_EQ(route(request).door, Door::kSqs);
  EXPECT_EQ(route(request).protocol, aws::Protocol::kJson);
  request.headers.set("X-Amz-Target", "DynamoDB_20120810.Scan");
  EXPECT_EQ(route(request).door, Door::kDynamoDb);
  request.headers.set("X-Amz-Target", "Logs_20140328.PutLogEvents");
  EXPECT_EQ(route(request).door, Door::kNone);
  EXPECT_EQ(route(request).service, "Logs_20140328");
  EXPECT_EQ(route(request).protocol, aws::Protocol::kJson);
}

TEST(RouterTest, WhatIsNotHereIsAnsweredInItsOwnForm) {
  net::HttpRequest request = signed_for("monitoring");
  request.target = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
  request.headers.set("smithy-protocol", "rpc-v2-cbor");
  EXPECT_EQ(route(request).protocol, aws::Protocol::kCbor);
  EXPECT_EQ(route(request).door, Door::kNone);
  EXPECT_EQ(route(signed_for("lambda")).protocol, aws::Protocol::kJson);
  EXPECT_EQ(route(signed_for("route53")).protocol, aws::Protocol::kS3);
  request = signed_for("iam");
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(route(request).protocol, aws::Protocol::kQuery);
}

TEST(RouterTest, ThenTheSignaturesScope) {
  EXPECT_EQ(route(signed_for("sqs")).door, Door::kSqs);
  EXPECT_EQ(route(signed_for("sqs")).protocol, aws::Protocol::kQuery);
  EXPECT_EQ(route(signed_for("ec2")).door, Door::kEc2);
  EXPECT_EQ(route(signed_for("s3")).door, Door::kS3);
  EXPECT_EQ(route(signed_for("iam")).door, Door::kNone);
  EXPECT_EQ(route(signed_for("sts")).door, Door::kSts);
  net::HttpRequest presigned;
  presigned.target = "/?X-Amz-Credential=AKID%2F20260131%2Feu-west-1%2Fsqs%2Faws4_request&X-Amz-Signature=0";
  EXPECT_EQ(route(presigned).door, Door::kSqs);
}

TEST(RouterTest, ThenActionAndVersion) {
  net::HttpRequest request;
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = "Action=DescribeInstances&Version=2016-11-15";
  EXPECT_EQ(route(request).door, Door::kEc2);
  request.body = "Action=GetCallerIdentity&Version=2011-06-15";
  EXPECT_EQ(route(request).door, Door::kSts);
  request.body = "Action=ListQueues&Version=2012-11-05";
  EXPECT_EQ(route(request).door, Door::kSqs);
}

TEST(RouterTest, AllElseIsS3) {
  net::HttpRequest request;
  request.target = "/bucket/key?Version=1";
  EXPECT_EQ(route(request).door, Door::kS3);
  request.headers.set("Authorization", "Basic abc");
  EXPECT_EQ(route(request).door, Door::kS3);
  request.headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=/");
  EXPECT_EQ(route(request).door, Door::kS3);
}

}  // namespace
}  // namespace facefleet::localcloud
