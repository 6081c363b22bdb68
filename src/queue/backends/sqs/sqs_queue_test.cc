#include "queue/backends/sqs/sqs_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "aws/test_service.h"

namespace facefleet::queue {
namespace {

using testing::ElementsAre;

constexpr const char* kQueueUrl = R"({"QueueUrl":"http://host/1/q"})";

class SqsQueueTest : public testing::Test {
 protected:
  std::shared_ptr<Queue> open_queue() {
    service_.answer(200, kQueueUrl);
    return service_.run(queues_->open("q")).value();
  }

  std::vector<std::string> targets() const {
    std::vector<std::string> targets;
    for (const auto& request : service_.requests())
      targets.emplace_back(request.headers.get("x-amz-target").value_or("none"));
    return targets;
  }

  const std::string& last_body() const { return service_.requests().back().body; }

  aws::TestService service_;
  std::unique_ptr<aws::Client> client_ = service_.open_client("sqs");
  std::unique_ptr<Queues> queues_ = open_sqs_queues(*client_);
};

TEST_F(SqsQueueTest, ALoneSendIsASendMessage) {
  const auto queue = open_queue();
  service_.answer(200, R"({"MessageId":"m","MD5OfMessageBody":"0"})");
  EXPECT_EQ(service_.run(queue->send({"hello", Millis{0}})).value(), "m");
  EXPECT_THAT(targets(), ElementsAre("AmazonSQS.GetQueueUrl", "AmazonSQS.SendMessage"));
  EXPECT_EQ(last_body(), R"({"QueueUrl":"http://host/1/q","MessageBody":"hello"})");
  EXPECT_EQ(service_.requests().back().headers.get("content-type"), "application/x-amz-json-1.0");
}

TEST_F(SqsQueueTest, SendsMadeMeanwhileAreABatch) {
  const auto queue = open_queue();
  const auto other = open_queue();  // the same queue: its calls travel with the first one's
  const auto gate = service_.make_gate();
  service_.answer(200, R"({"MessageId":"m0"})", {}, gate);
  service_.answer(200, R"({"Successful":[{"Id":"1","MessageId":"m2"},{"Id":"0","MessageId":"m1"}],"Failed":[]})");
  std::vector<std::string> ids(3);
  const auto keep = [&ids](std::size_t place) {
    return [&ids, place](std::exception_ptr, const Result<std::string>& id) { ids[place] = id.value(); };
  };
  asio::co_spawn(service_.context(), queue->send({"a", Millis{0}}), keep(0));
  asio::co_spawn(service_.context(), queue->send({"b", Millis{0}}), keep(1));
  asio::co_spawn(service_.context(), other->send({"c", Millis{0}}), keep(2));
  while (service_.requests().size() < 3) service_.context().run_one();
  gate->set(true);
  while (ids[2].empty()) service_.context().run_one();
  EXPECT_THAT(ids, ElementsAre("m0", "m1", "m2"));
  EXPECT_EQ(targets().back(), "AmazonSQS.SendMessageBatch");
}

TEST_F(SqsQueueTest, RefusesWhatSqsCannotCarryWithoutAsking) {
  const auto queue = open_queue();
  EXPECT_EQ(service_.run(queue->send({"", Millis{0}})).error().code, Code::kInvalidInput);
  EXPECT_EQ(service_.run(queue->send({std::string("\0", 1), Millis{0}})).error().reason, "not_text");
  EXPECT_EQ(service_.run(queue->send({std::string(1'048'577, 'a'), Millis{0}})).error().reason, "body_too_long");
  EXPECT_EQ(service_.requests().size(), 1u);
}

TEST_F(SqsQueueTest, ReceivesForAConsumer) {
  const auto queue = open_queue();
  service_.answer(200, R"({"Messages":[{"MessageId":"m","ReceiptHandle":"r","Body":"b"}]})");
  const auto messages = service_.run(queue->receive({1, Millis{0}, std::nullopt, "i-1"}));
  ASSERT_TRUE(messages);
  EXPECT_EQ(messages->at(0).receipt, "r");
  EXPECT_EQ(service_.requests().back().headers.get("x-facefleet-consumer"), "i-1");
  service_.answer(200, "{}");
  EXPECT_TRUE(service_.run(queue->receive({})).value().empty());
  EXPECT_EQ(service_.requests().back().headers.get("x-facefleet-consumer"), std::nullopt);
}

TEST_F(SqsQueueTest, ABatchOfRemovalsTellsWhichFailed) {
  const auto queue = open_queue();
  service_.answer(200, R"({"Successful":[{"Id":"1"}],"Failed":[{"Id":"0","SenderFault":true,
      "Code":"ReceiptHandleIsInvalid","Message":"The input receipt handle is invalid."}]})");
  const auto results = service_.run(queue->remove_batch({"bad", "good"}));
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].error().code, Code::kInvalidInput);
  EXPECT_TRUE(results[1]);
}

TEST_F(SqsQueueTest, ExtendingWhatIsGoneIsNotFound) {
  const auto queue = open_queue();
  service_.answer(200, "");
  EXPECT_TRUE(service_.run(queue->extend("r", Millis{1'500})));
  EXPECT_EQ(last_body(), R"({"QueueUrl":"http://host/1/q","ReceiptHandle":"r","VisibilityTimeout":2})");
  service_.answer(400, R"({"__type":"com.amazon.coral.service#InvalidParameterValueException","message":"Value r for )"
                       R"(parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for )"
                       R"(visibility timeout change."})");
  service_.answer(400, R"({"__type":"com.amazonaws.sqs#MessageNotInflight"})");
  service_.answer(400, R"({"__type":"com.amazonaws.sqs#ReceiptHandleIsInvalid","message":"invalid"})");
  EXPECT_EQ(service_.run(queue->extend("r", Millis{0})).error().code, Code::kNotFound);
  EXPECT_EQ(service_.run(queue->extend("r", Millis{0})).error().code, Code::kNotFound);
  EXPECT_EQ(service_.run(queue->extend("r", Millis{0})).error().code, Code::kInvalidInput);
}

TEST_F(SqsQueueTest, CreatesWithADeadLetterQueueByItsArn) {
  Attributes attributes;
  attributes.dead_letter_queue = "dead";
  attributes.receives_max = 4;
  service_.answer(200, R"({"QueueUrl":"http://host/1/dead"})");
  service_.answer(200, R"({"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:1:dead"}})");
  service_.answer(200, kQueueUrl);
  ASSERT_TRUE(service_.run(queues_->create("q", attributes)));
  EXPECT_THAT(targets(), ElementsAre("AmazonSQS.GetQueueUrl", "AmazonSQS.GetQueueAttributes", "AmazonSQS.CreateQueue"));
  EXPECT_NE(last_body().find(R"(arn:aws:sqs:us-east-1:1:dead)"), std::string::npos);
}

TEST_F(SqsQueueTest, ListsAllPages) {
  service_.answer(200, R"({"QueueUrls":["http://host/1/b","http://host/1/c"],"NextToken":"t"})");
  service_.answer(200, R"({"QueueUrls":["http://host/1/a"]})");
  EXPECT_THAT(service_.run(queues_->list("")).value(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(last_body(), R"({"MaxResults":1000,"NextToken":"t"})");
}

TEST_F(SqsQueueTest, AQueueThatIsNotThereIsNotFound) {
  service_.answer(
      400, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."})");
  EXPECT_EQ(service_.run(queues_->open("q")).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace facefleet::queue
