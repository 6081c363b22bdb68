// Requests and answers as SQS's API reference and developer guide show them.
#include "queue/backends/sqs/sqs_wire.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace facefleet::queue::sqs {
namespace {

TEST(SqsWire, SecondsAreRoundedUp) {
  EXPECT_EQ(to_seconds(Millis{0}), 0);
  EXPECT_EQ(to_seconds(Millis{1}), 1);
  EXPECT_EQ(to_seconds(Millis{1'000}), 1);
  EXPECT_EQ(to_seconds(Millis{43'200'000}), 43'200);
}

TEST(SqsWire, WritesJson) {
  EXPECT_EQ(send_message("u", {"a\"\\\n\x01/\xC3\xA9", Millis{0}}),
            "{\"QueueUrl\":\"u\",\"MessageBody\":\"a\\\"\\\\\\u000a\\u0001/\xC3\xA9\"}");
  EXPECT_EQ(send_message("u", {"b", Millis{1'500}}), R"({"QueueUrl":"u","MessageBody":"b","DelaySeconds":2})");
  EXPECT_EQ(
      send_message_batch("u", {{"a", Millis{0}}, {"b", Millis{5'000}}}),
      R"({"QueueUrl":"u","Entries":[{"Id":"0","MessageBody":"a"},{"Id":"1","MessageBody":"b","DelaySeconds":5}]})");
  EXPECT_EQ(delete_message_batch("u", {"r", "s"}),
            R"({"QueueUrl":"u","Entries":[{"Id":"0","ReceiptHandle":"r"},{"Id":"1","ReceiptHandle":"s"}]})");
}

TEST(SqsWire, AsksForTheAttributesOfMessages) {
  const auto asked = boost::json::parse(receive_message("u", {10, Millis{20'000}, Millis{30'000}, ""}));
  EXPECT_EQ(asked, boost::json::parse(R"({"QueueUrl":"u","MaxNumberOfMessages":10,"WaitTimeSeconds":20,
      "VisibilityTimeout":30,"MessageSystemAttributeNames":
      ["ApproximateReceiveCount","SentTimestamp","ApproximateFirstReceiveTimestamp"]})"));
}

TEST(SqsWire, ReadsMessages) {
  const auto messages = read_messages(R"({"Messages":[{"Attributes":{"ApproximateFirstReceiveTimestamp":"1677112433437",
      "ApproximateReceiveCount":"2","SentTimestamp":"1677112427387"},"Body":"This is a \"test\" \u00e9",
      "MD5OfBody":"fafb00f5732ab283681e124bf8747ed1","MessageId":"219f8380-5770-4cc2-8c3e-5c715e145f5e",
      "ReceiptHandle":"AQEBaZ+j5qUoOAoxlmrCQPkBm9njMWXqemmIG6shMHCO6fV20JrQYg/AiZ8JELwLwOu5U61W+aIX5Qzu7GGofxJuvzymr"}]})");
  ASSERT_TRUE(messages);
  ASSERT_EQ(messages->size(), 1u);
  const Message& message = messages->front();
  EXPECT_EQ(message.id, "219f8380-5770-4cc2-8c3e-5c715e145f5e");
  EXPECT_EQ(message.body, "This is a \"test\" \xC3\xA9");
  EXPECT_EQ(message.receipt.substr(0, 8), "AQEBaZ+j");
  EXPECT_EQ(message.receive_count, 2u);
  EXPECT_EQ(message.sent_ms, 1'677'112'427'387);
  EXPECT_EQ(message.first_received_ms, 1'677'112'433'437);
  EXPECT_TRUE(read_messages("{}")->empty());
}

TEST(SqsWire, ReadsAttributes) {
  const std::string_view body =
      R"({"Attributes":{"ApproximateNumberOfMessages":"7","ApproximateNumberOfMessagesDelayed":"1",
      "ApproximateNumberOfMessagesNotVisible":"3","CreatedTimestamp":"1676665337","DelaySeconds":"0",
      "LastModifiedTimestamp":"1677096375","MaximumMessageSize":"262144","MessageRetentionPeriod":"345600",
      "QueueArn":"arn:aws:sqs:us-east-1:177715257436:MyQueue","ReceiveMessageWaitTimeSeconds":"2",
      "RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:177715257436:Dead\",\"maxReceiveCount\":5}",
      "SqsManagedSseEnabled":"true","VisibilityTimeout":"30"}})";
  const auto counts = read_counts(body);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->visible, 7u);
  EXPECT_EQ(counts->in_flight, 3u);
  EXPECT_EQ(counts->delayed, 1u);
  const auto attributes = read_attributes(body);
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->lease, Millis{30'000});
  EXPECT_EQ(attributes->receive_wait, Millis{2'000});
  EXPECT_EQ(attributes->retention, Millis{345'600'000});
  EXPECT_EQ(attributes->message_bytes_max, 262'144u);
  EXPECT_EQ(attributes->dead_letter_queue, "Dead");
  EXPECT_EQ(attributes->receives_max, 5u);
  EXPECT_EQ(attributes->created_ms, 1'676'665'337'000);
  EXPECT_EQ(read_arn(body).value(), "arn:aws:sqs:us-east-1:177715257436:MyQueue");
}

TEST(SqsWire, WritesAttributesThatReadBack) {
  Attributes attributes;
  attributes.lease = Millis{5'000};
  attributes.dead_letter_queue = "dead";
  attributes.receives_max = 3;
  const std::string object = attributes_object(attributes, "arn:aws:sqs:r:1:dead", /*creating=*/true);
  EXPECT_EQ(read_attributes(R"({"Attributes":)" + object + "}").value(), attributes);
  EXPECT_EQ(attributes_object({}, "", true).find("RedrivePolicy"), std::string::npos);
  EXPECT_NE(attributes_object({}, "", false).find(R"("RedrivePolicy":"")"), std::string::npos);
}

TEST(SqsWire, EachEntryOfABatchHasItsOwnResult) {
  const auto results =
      read_batch(R"({"Failed":[{"Code":"ReceiptHandleIsInvalid","Id":"1","Message":"no","SenderFault":true},
      {"Code":"InternalError","Id":"2","SenderFault":false}],
      "Successful":[{"Id":"0","MD5OfMessageBody":"fafb","MessageId":"m0"},{"Id":"9","MessageId":"stray"}]})",
                 4);
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0].value(), "m0");
  EXPECT_EQ(results[1].error().code, Code::kInvalidInput);
  EXPECT_EQ(results[1].error().reason, "ReceiptHandleIsInvalid");
  EXPECT_EQ(results[2].error().code, Code::kUnavailable);
  EXPECT_EQ(results[3].error().reason, "bad_answer");
}

TEST(SqsWire, NonsenseIsAnUnavailableService) {
  for (const char* nonsense : {"", "<html/>", "[]", "1", "{\"Messages\":[1]}", "{\"Messages\":[{}]}"}) {
    EXPECT_EQ(read_messages(nonsense).error().code, Code::kUnavailable) << nonsense;
    EXPECT_EQ(read_counts(nonsense).error().reason, "bad_answer") << nonsense;
    EXPECT_EQ(read_attributes(nonsense).error().reason, "bad_answer") << nonsense;
    EXPECT_EQ(read_text(nonsense, "MessageId").error().reason, "bad_answer") << nonsense;
  }
}

}  // namespace
}  // namespace facefleet::queue::sqs
