#include "localcloud/sqs/sqs_door.h"

#include <gmock/gmock.h>

#include "aws/xml.h"
#include "base/hash.h"
#include "base/limits.h"
#include "localcloud/doors_under_test.h"

namespace facefleet::localcloud::sqs {
namespace {

using testing::HasSubstr;
using testing::Not;

class SqsDoorTest : public testing::Test {
 protected:
  // The text of a member of a JSON answer, or of a further one inside it.
  static std::string member(const net::HttpResponse& answer, const std::string& name) {
    const auto root = aws::parse_json(answer.body).value();
    return std::string(root.text_of(name).value_or(""));
  }
  static std::string xml(const net::HttpResponse& answer, const std::string& path) {
    return std::string(aws::XmlDocument::parse(answer.body).value().root().text(path));
  }
  void create(const std::string& name) { create(name, "{}"); }
  void create(const std::string& name, const std::string& attributes) {
    const auto made = doors_.json("CreateQueue", R"({"QueueName":")" + name + R"(","Attributes":)" + attributes + "}");
    ASSERT_EQ(made.status, 200) << made.body;
  }
  void expect_json_error(const net::HttpResponse& answer, int status, const std::string& shape,
                         const std::string& code) {
    EXPECT_EQ(answer.status, status);
    EXPECT_THAT(member(answer, "__type"), HasSubstr("#" + shape));
    EXPECT_EQ(answer.headers.get("x-amzn-query-error"), code + ";Sender");
    EXPECT_FALSE(member(answer, "message").empty());
  }
  DoorsUnderTest doors_;
};

TEST_F(SqsDoorTest, AMessageGoesThroughBothForms) {
  create("q");
  const std::string body = "a \"b\" <c> &\r\n\u00e9";
  const auto sent =
      doors_.query("sqs", "Action=SendMessage&Version=2012-11-05&QueueUrl=q&MessageBody=" + net::percent_encode(body));
  EXPECT_EQ(xml(sent, "SendMessageResult/MD5OfMessageBody"), hex(md5(body)));
  EXPECT_EQ(xml(sent, "SendMessageResult/MessageId").size(), 36u);

  const auto got = doors_.json("ReceiveMessage", R"({"QueueUrl":"q","VisibilityTimeout":0,"AttributeNames":["All"]})");
  const auto root = aws::parse_json(got.body).value();
  const aws::Parameter* message = root.find("Messages")->find("1");
  EXPECT_EQ(message->text_of("Body"), body);
  EXPECT_EQ(message->text_of("MD5OfBody"), hex(md5(body)));
  EXPECT_EQ(message->text_of("MessageId"), xml(sent, "SendMessageResult/MessageId"));
  EXPECT_EQ(message->find("Attributes")->text_of("ApproximateReceiveCount"), "1");

  const auto again = doors_.query("sqs", "Action=ReceiveMessage&QueueUrl=q&AttributeName.1=ApproximateReceiveCount");
  EXPECT_EQ(xml(again, "ReceiveMessageResult/Message/Body"), body);
  EXPECT_EQ(xml(again, "ReceiveMessageResult/Message/Attribute/Name"), "ApproximateReceiveCount");
  EXPECT_EQ(xml(again, "ReceiveMessageResult/Message/Attribute/Value"), "2");
  EXPECT_THAT(again.body, HasSubstr("&#xD;"));
  EXPECT_THAT(again.body, Not(HasSubstr("SenderId")));

  const std::string receipt = xml(again, "ReceiveMessageResult/Message/ReceiptHandle");
  const auto deleted = doors_.json("DeleteMessage", R"({"QueueUrl":"q","ReceiptHandle":")" + receipt + "\"}");
  EXPECT_EQ(deleted.status, 200) << deleted.body;
  EXPECT_EQ(doors_.json("ReceiveMessage", R"({"QueueUrl":"q"})").body, "{}");
  const auto none = doors_.query("sqs", "Action=ReceiveMessage&QueueUrl=q");
  EXPECT_THAT(none.body, HasSubstr("<ReceiveMessageResult></ReceiveMessageResult>"));
}

TEST_F(SqsDoorTest, AQueueIsNamedByUrlByPathOrByItsName) {
  create("q");
  const auto url = member(doors_.json("GetQueueUrl", R"({"QueueName":"q"})"), "QueueUrl");
  EXPECT_EQ(url, "http://" + doors_.host() + "/123456789012/q");
  for (const std::string& name : {url, std::string("/123456789012/q"), std::string("q")})
    EXPECT_EQ(doors_.json("SendMessage", R"({"QueueUrl":")" + name + R"(","MessageBody":"x"})").status, 200) << name;
  EXPECT_EQ(doors_.query("sqs", "Action=SendMessage&MessageBody=x", "/123456789012/q").status, 200);
}

TEST_F(SqsDoorTest, AttributesInBothForms) {
  create("dead");
  create("q", R"({"VisibilityTimeout":"7","RedrivePolicy":)"
              R"("{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:123456789012:dead\",\"maxReceiveCount\":\"3\"}"})");
  doors_.json("SendMessage", R"({"QueueUrl":"q","MessageBody":"x"})");
  const auto all = doors_.json("GetQueueAttributes", R"({"QueueUrl":"q","AttributeNames":["All"]})");
  const auto root = aws::parse_json(all.body).value();
  const aws::Parameter* attributes = root.find("Attributes");
  EXPECT_EQ(attributes->text_of("VisibilityTimeout"), "7");
  EXPECT_EQ(attributes->text_of("ApproximateNumberOfMessages"), "1");
  EXPECT_EQ(attributes->text_of("ApproximateNumberOfMessagesNotVisible"), "0");
  EXPECT_EQ(attributes->text_of("QueueArn"), "arn:aws:sqs:us-east-1:123456789012:q");
  EXPECT_THAT(std::string(*attributes->text_of("RedrivePolicy")), HasSubstr("\"maxReceiveCount\":3"));

  const auto set = doors_.query("sqs",
                                "Action=SetQueueAttributes&QueueUrl=q&Attribute.1.Name=DelaySeconds&"
                                "Attribute.1.Value=5&Attribute.2.Name=RedrivePolicy&Attribute.2.Value=");
  EXPECT_EQ(set.status, 200) << set.body;
  const auto one = doors_.query("sqs", "Action=GetQueueAttributes&QueueUrl=q&AttributeName.1=DelaySeconds");
  EXPECT_EQ(xml(one, "GetQueueAttributesResult/Attribute/Value"), "5");
  EXPECT_THAT(one.body, Not(HasSubstr("VisibilityTimeout")));
  EXPECT_THAT(doors_.json("GetQueueAttributes", R"({"QueueUrl":"q","AttributeNames":["All"]})").body,
              Not(HasSubstr("RedrivePolicy")));
}

TEST_F(SqsDoorTest, CreatingAQueueAgain) {
  create("q", R"({"DelaySeconds":"3"})");
  create("q", R"({"DelaySeconds":"3"})");
  create("q");
  expect_json_error(doors_.json("CreateQueue", R"({"QueueName":"q","Attributes":{"DelaySeconds":"4"}})"), 400,
                    "QueueNameExists", "QueueAlreadyExists");
}

TEST_F(SqsDoorTest, QueuesAreListedByPrefixAndPage) {
  for (const char* name : {"b-1", "a-2", "a-1", "a-3"}) create(name);
  const auto first = doors_.json("ListQueues", R"({"QueueNamePrefix":"a-","MaxResults":2})");
  EXPECT_THAT(first.body, HasSubstr("/a-1\",\""));
  EXPECT_THAT(first.body, Not(HasSubstr("a-3")));
  const std::string token = member(first, "NextToken");
  const auto second =
      doors_.json("ListQueues", R"({"QueueNamePrefix":"a-","MaxResults":2,"NextToken":")" + token + "\"}");
  EXPECT_THAT(second.body, HasSubstr("a-3"));
  EXPECT_EQ(member(second, "NextToken"), "");
  EXPECT_EQ(doors_.json("ListQueues", R"({"QueueNamePrefix":"z"})").body, "{}");
}

TEST_F(SqsDoorTest, ABatchAnswersEachEntry) {
  create("q", R"({"MaximumMessageSize":"1024"})");
  const std::string big(2'000, 'x');
  const auto sent = doors_.json("SendMessageBatch", R"({"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"1"},)"
                                                    R"({"Id":"b","MessageBody":")" +
                                                        big + R"("},{"Id":"c","MessageBody":"3"}]})");
  const auto root = aws::parse_json(sent.body).value();
  EXPECT_EQ(root.find("Successful")->members.size(), 2u);
  const aws::Parameter* failed = root.find("Failed")->find("1");
  EXPECT_EQ(failed->text_of("Id"), "b");
  EXPECT_EQ(failed->text_of("SenderFault"), "true");
  EXPECT_EQ(failed->text_of("Code"), "InvalidParameterValue");

  const auto got = doors_.json("ReceiveMessage", R"({"QueueUrl":"q","MaxNumberOfMessages":10})");
  const auto messages = aws::parse_json(got.body).value();
  std::string form = "Action=DeleteMessageBatch&QueueUrl=q";
  int number = 0;
  for (const aws::Parameter* message : messages.list("Messages", "")) {
    const std::string entry = "&DeleteMessageBatchRequestEntry." + std::to_string(++number);
    form += entry + ".Id=m" + std::to_string(number) + entry + ".ReceiptHandle=";
    form += net::percent_encode(*message->text_of("ReceiptHandle"));
  }
  form += "&DeleteMessageBatchRequestEntry.3.Id=bad&DeleteMessageBatchRequestEntry.3.ReceiptHandle=rubbish";
  const auto deleted = doors_.query("sqs", form);
  EXPECT_EQ(xml(deleted, "DeleteMessageBatchResult/DeleteMessageBatchResultEntry/Id"), "m1");
  EXPECT_EQ(xml(deleted, "DeleteMessageBatchResult/BatchResultErrorEntry/Code"), "ReceiptHandleIsInvalid");
  EXPECT_EQ(number, 2);
}

TEST_F(SqsDoorTest, BatchesThatAreWrongAsAWhole) {
  create("q");
  const auto batch = [this](const std::string& entries) {
    return doors_.json("SendMessageBatch", R"({"QueueUrl":"q","Entries":[)" + entries + "]}");
  };
  const std::string prefix = "AWS.SimpleQueueService.";
  expect_json_error(batch(""), 400, "EmptyBatchRequest", prefix + "EmptyBatchRequest");
  expect_json_error(batch(R"({"Id":"a b","MessageBody":"x"})"), 400, "InvalidBatchEntryId",
                    prefix + "InvalidBatchEntryId");
  expect_json_error(batch(R"({"Id":"a","MessageBody":"x"},{"Id":"a","MessageBody":"y"})"), 400,
                    "BatchEntryIdsNotDistinct", prefix + "BatchEntryIdsNotDistinct");
  std::string eleven;
  for (int i = 0; i < 11; ++i)
    eleven += (i > 0 ? "," : "") + (R"({"Id":"e)" + std::to_string(i)) + R"(","MessageBody":"x"})";
  expect_json_error(batch(eleven), 400, "TooManyEntriesInBatchRequest", prefix + "TooManyEntriesInBatchRequest");
  const std::string half(600'000, 'x');
  expect_json_error(batch(R"({"Id":"a","MessageBody":")" + half + R"("},{"Id":"b","MessageBody":")" + half + "\"}"),
                    400, "BatchRequestTooLong", prefix + "BatchRequestTooLong");
}

struct Refusal {
  std::string action, body, shape, code, message;
};

TEST_F(SqsDoorTest, RefusesInSqssOwnWords) {
  create("q", R"({"MaximumMessageSize":"1024"})");
  const std::string long_body(1'025, 'x');
  const std::vector<Refusal> refusals{
      {"SendMessage", R"({"QueueUrl":"none","MessageBody":"x"})", "QueueDoesNotExist",
       "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."},
      {"SendMessage", R"({"QueueUrl":"q"})", "MissingRequiredParameterException", "MissingParameter",
       "The request must contain the parameter MessageBody."},
      {"SendMessage", R"({"MessageBody":"x"})", "MissingRequiredParameterException", "MissingParameter", "QueueUrl"},
      {"SendMessage", R"({"QueueUrl":"q","MessageBody":")" + long_body + "\"}", "InvalidParameterValueException",
       "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
      {"SendMessage", R"({"QueueUrl":"q","MessageBody":"\u0001"})", "InvalidMessageContents", "InvalidMessageContents",
       "#x9"},
      {"SendMessage", R"({"QueueUrl":"q","MessageBody":"x","DelaySeconds":901})", "InvalidParameterValueException",
       "InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid."},
      {"SendMessage",
       R"({"QueueUrl":"q","MessageBody":"x","MessageAttributes":{"a":{"DataType":"String","StringValue":""}}})",
       "InvalidParameterValueException", "InvalidParameterValue",
       "Message (user) attribute 'a' must contain a non-empty value of type 'String'."},
      {"SendMessage", R"({"QueueUrl":"q","MessageBody":"x","MessageDeduplicationId":"d"})",
       "InvalidParameterValueException", "InvalidParameterValue", "not valid for this queue type"},
      {"StartMessageMoveTask", R"({"SourceArn":"arn:aws:sqs:us-east-1:123456789012:q"})", "UnsupportedOperation",
       "AWS.SimpleQueueService.UnsupportedOperation", "move tasks"},
      {"AddPermission", R"({"QueueUrl":"q"})", "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation",
       "Permissions"},
      {"CreateQueue", R"({"QueueName":"q.fifo","Attributes":{"FifoQueue":"true"}})", "UnsupportedOperation",
       "AWS.SimpleQueueService.UnsupportedOperation", "FIFO"},
      {"ReceiveMessage", R"({"QueueUrl":"q","MaxNumberOfMessages":11})", "InvalidParameterValueException",
       "InvalidParameterValue",
       "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
      {"ReceiveMessage", R"({"QueueUrl":"q","WaitTimeSeconds":21})", "InvalidParameterValueException",
       "InvalidParameterValue",
       "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
      {"DeleteMessage", R"({"QueueUrl":"q","ReceiptHandle":"garbage"})", "ReceiptHandleIsInvalid",
       "ReceiptHandleIsInvalid", "The input receipt handle \"garbage\" is not a valid receipt handle."},
      {"SetQueueAttributes", R"({"QueueUrl":"q","Attributes":{"FifoQueue":"true"}})", "InvalidAttributeName",
       "InvalidAttributeName", "Unknown Attribute FifoQueue."},
      {"SetQueueAttributes", R"({"QueueUrl":"q","Attributes":{"DelaySeconds":"x"}})", "InvalidAttributeValue",
       "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."},
      {"GetQueueAttributes", R"({"QueueUrl":"q","AttributeNames":["Colour"]})", "InvalidAttributeName",
       "InvalidAttributeName", "Unknown Attribute Colour."},
      {"CreateQueue", R"({"QueueName":"not a name"})", "InvalidParameterValueException", "InvalidParameterValue", ""},
      {"Frobnicate", "{}", "UnknownOperationException", "InvalidAction", "Frobnicate"},
      {"SendMessage", "[1,2", "SerializationException", "MalformedInput", "JSON"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.action + " " + refusal.body.substr(0, 100));
    const auto answer = doors_.json(refusal.action, refusal.body);
    expect_json_error(answer, 400, refusal.shape, refusal.code);
    EXPECT_THAT(member(answer, "message"), HasSubstr(refusal.message));
  }
}

TEST_F(SqsDoorTest, RefusesInTheQueryFormToo) {
  const auto none = doors_.query("sqs", "Action=SendMessage&QueueUrl=none&MessageBody=x");
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(xml(none, "Error/Code"), "AWS.SimpleQueueService.NonExistentQueue");
  EXPECT_EQ(xml(none, "Error/Message"), "The specified queue does not exist for this wsdl version.");
  EXPECT_EQ(xml(none, "Error/Type"), "Sender");
  EXPECT_EQ(xml(doors_.query("sqs", "Action=Frobnicate"), "Error/Code"), "InvalidAction");
  EXPECT_EQ(xml(doors_.query("sqs", "Action=SendMessage&a.b.c.d.e.f.g.h.i.j=1"), "Error/Code"), "MalformedInput");
}

TEST_F(SqsDoorTest, VisibilityOfAMessageThatIsGone) {
  create("q");
  doors_.json("SendMessage", R"({"QueueUrl":"q","MessageBody":"x"})");
  const auto got = aws::parse_json(doors_.json("ReceiveMessage", R"({"QueueUrl":"q"})").body).value();
  const std::string receipt(*got.find("Messages")->find("1")->text_of("ReceiptHandle"));
  const std::string named = R"({"QueueUrl":"q","ReceiptHandle":")" + receipt + "\"";
  EXPECT_EQ(doors_.json("ChangeMessageVisibility", named + R"(,"VisibilityTimeout":60})").status, 200);
  EXPECT_EQ(doors_.json("DeleteMessage", named + "}").status, 200);
  EXPECT_EQ(doors_.json("DeleteMessage", named + "}").status, 200);
  const auto late = doors_.json("ChangeMessageVisibility", named + R"(,"VisibilityTimeout":60})");
  expect_json_error(late, 400, "InvalidParameterValueException", "InvalidParameterValue");
  EXPECT_THAT(member(late, "message"), HasSubstr("not available for visibility timeout change"));
}

TEST_F(SqsDoorTest, AReceiveNamesItsConsumer) {
  create("q");
  doors_.json("SendMessage", R"({"QueueUrl":"q","MessageBody":"x"})");
  net::HttpRequest request;
  request.method = "POST";
  request.headers.set("X-Amz-Target", "AmazonSQS.ReceiveMessage");
  request.headers.set("X-Facefleet-Consumer", "i-7");
  request.body = R"({"QueueUrl":"q"})";
  EXPECT_THAT(doors_.send(std::move(request), "sqs").body, HasSubstr("\"x\""));
  EXPECT_EQ(doors_.json("ReceiveMessage", R"({"QueueUrl":"q"})").body, "{}");
  ASSERT_TRUE(run_task(doors_.context(), doors_.queues().release("i-7")));
  EXPECT_THAT(doors_.json("ReceiveMessage", R"({"QueueUrl":"q"})").body, HasSubstr("\"x\""));
}

TEST_F(SqsDoorTest, ALongPollerThatDisconnectsBurnsNoDelivery) {
  create("q");
  net::ClientOptions options;
  options.port = static_cast<std::uint16_t>(std::stoi(doors_.host().substr(doors_.host().find(':') + 1)));
  auto client = net::HttpClient::open(doors_.executor(), options);
  net::HttpRequest request;
  request.method = "POST";
  request.headers.set("Host", doors_.host());
  request.headers.set("X-Amz-Target", "AmazonSQS.ReceiveMessage");
  request.body = R"({"QueueUrl":"q","WaitTimeSeconds":20})";
  aws::sign(request, doors_.credentials(), {"us-east-1", "sqs"}, doors_.clock().wall_ms());
  // The client gives up after a moment and closes its connection.
  const auto given_up = run_task(doors_.context(), client->send(std::move(request), Millis{50}));
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, Code::kTimedOut);
  doors_.json("SendMessage", R"({"QueueUrl":"q","MessageBody":"x"})");
  const auto got = doors_.json("ReceiveMessage", R"({"QueueUrl":"q","WaitTimeSeconds":5,"AttributeNames":["All"]})");
  EXPECT_THAT(got.body, HasSubstr("\"ApproximateReceiveCount\":\"1\""));
}

TEST_F(SqsDoorTest, AttributesOfAMessageGoThroughBothForms) {
  create("q");
  const auto sent = doors_.query("sqs",
                                 "Action=SendMessage&QueueUrl=q&MessageBody=x&MessageAttribute.1.Name=b&"
                                 "MessageAttribute.1.Value.DataType=Binary&MessageAttribute.1.Value.BinaryValue=AAE%3D&"
                                 "MessageAttribute.2.Name=a&MessageAttribute.2.Value.DataType=String.x&"
                                 "MessageAttribute.2.Value.StringValue=v%22&DelaySeconds=0");
  const std::string buffer("\0\0\0\1a\0\0\0\10String.x\1\0\0\0\2v\"\0\0\0\1b\0\0\0\6Binary\2\0\0\0\2\0\1", 46);
  EXPECT_EQ(xml(sent, "SendMessageResult/MD5OfMessageAttributes"), hex(md5(buffer)));
  const auto got =
      doors_.json("ReceiveMessage", R"({"QueueUrl":"q","VisibilityTimeout":0,"MessageAttributeNames":["All"]})");
  EXPECT_THAT(got.body, HasSubstr(R"("MessageAttributes":{"a":{"StringValue":"v\"","DataType":"String.x"},)"
                                  R"("b":{"BinaryValue":"AAE=","DataType":"Binary"}})"));
  const auto one = doors_.query("sqs", "Action=ReceiveMessage&QueueUrl=q&MessageAttributeName.1=a");
  EXPECT_THAT(one.body, HasSubstr("<MessageAttribute><Name>a</Name><Value><StringValue>v&quot;</StringValue>"
                                  "<DataType>String.x</DataType></Value></MessageAttribute>"));
  EXPECT_THAT(one.body, Not(HasSubstr("Binary")));
}

TEST_F(SqsDoorTest, NothingMoreIsHandedOutWhereTooMuchIsInFlight) {
  create("q");
  auto queue = run_task(doors_.context(), doors_.queues().open("q")).value();
  for (std::size_t i = 0; i <= limits::kQueueInFlight; i += limits::kQueueBatchEntries) {
    std::vector<queue::Outgoing> batch(limits::kQueueBatchEntries, {"x", Millis{0}});
    run_task(doors_.context(), queue->send_batch(std::move(batch)));
    if (i == limits::kQueueInFlight) break;
    run_task(doors_.context(), queue->receive({.max = limits::kQueueBatchEntries, .lease = Millis{600'000}})).value();
  }
  const auto refused = doors_.json("ReceiveMessage", R"({"QueueUrl":"q"})");
  EXPECT_EQ(refused.status, 403);
  expect_json_error(refused, 403, "OverLimit", "OverLimit");
  EXPECT_EQ(doors_.json("ReceiveMessage", R"({"QueueUrl":"q","WaitTimeSeconds":1})").body, "{}");
}

TEST(SqsPauseTest, PurgesAndNamesOfDeletedQueuesMustWait) {
  DoorsUnderTest doors(3, Millis{60'000});
  const auto code = [](const net::HttpResponse& answer) { return answer.headers.get("x-amzn-query-error"); };
  ASSERT_EQ(doors.json("CreateQueue", R"({"QueueName":"q"})").status, 200);
  ASSERT_EQ(doors.json("PurgeQueue", R"({"QueueUrl":"q"})").status, 200);
  const auto purge = doors.json("PurgeQueue", R"({"QueueUrl":"q"})");
  EXPECT_EQ(purge.status, 403);
  EXPECT_EQ(code(purge), "AWS.SimpleQueueService.PurgeQueueInProgress;Sender");
  EXPECT_THAT(purge.body, HasSubstr("Only one PurgeQueue operation on q is allowed every 60 seconds."));
  ASSERT_EQ(doors.json("DeleteQueue", R"({"QueueUrl":"q"})").status, 200);
  const auto create = doors.json("CreateQueue", R"({"QueueName":"q"})");
  EXPECT_EQ(create.status, 400);
  EXPECT_EQ(code(create), "AWS.SimpleQueueService.QueueDeletedRecently;Sender");
  EXPECT_EQ(doors.json("CreateQueue", R"({"QueueName":"other"})").status, 200);
}

TEST(MessageIdTest, IsTheUlidsBitsAsAUuid) {
  EXPECT_EQ(message_id("01ARZ3NDEKTSV4RRFFQ69G5FAV"), "01563e3a-b5d3-d676-4c61-efb99302bd5b");
  EXPECT_EQ(message_id("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), "ffffffff-ffff-ffff-ffff-ffffffffffff");
  EXPECT_EQ(message_id("something else"), "something else");
}

}  // namespace
}  // namespace facefleet::localcloud::sqs
