#include "aws/error_forms.h"

#include <gtest/gtest.h>

namespace facefleet::aws {
namespace {

net::HttpResponse response_of(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST(ErrorForms, QueryXml) {
  const Error error = error_of(response_of(400,
                                           R"(<?xml version="1.0"?>
<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type>
<Code>AWS.SimpleQueueService.NonExistentQueue</Code>
<Message>The specified queue does not exist for this wsdl version.</Message><Detail/></Error>
<RequestId>1b4a0f5c</RequestId></ErrorResponse>)"));
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_EQ(error.reason, "AWS.SimpleQueueService.NonExistentQueue");
  EXPECT_EQ(error.message, "The specified queue does not exist for this wsdl version.");
}

TEST(ErrorForms, Ec2Xml) {
  const Error error = error_of(response_of(500,
                                           R"(<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>InsufficientInstanceCapacity</Code><Message>There is no capacity.</Message></Error>
</Errors><RequestID>ea966190</RequestID></Response>)"));
  EXPECT_EQ(error.code, Code::kBusy);
  EXPECT_EQ(error.reason, "InsufficientInstanceCapacity");
  EXPECT_EQ(remedy_of(error.reason, 500), Remedy::kNone);
}

TEST(ErrorForms, S3Xml) {
  const Error error = error_of(response_of(404,
                                           R"(<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>k</Key></Error>)"));
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_EQ(error.reason, "NoSuchKey");
}

TEST(ErrorForms, Json) {
  auto response =
      response_of(400, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The queue is not there."})");
  EXPECT_EQ(error_of(response).reason, "QueueDoesNotExist");
  EXPECT_EQ(error_of(response).code, Code::kNotFound);
  response.headers.add("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender");
  EXPECT_EQ(error_of(response).reason, "AWS.SimpleQueueService.NonExistentQueue");
  EXPECT_EQ(error_of(response).code, Code::kNotFound);
  EXPECT_EQ(error_of(response).message, "The queue is not there.");
}

TEST(ErrorForms, WithoutAFormTheStatusDecides) {
  EXPECT_EQ(error_of(response_of(404, "")).code, Code::kNotFound);
  EXPECT_EQ(error_of(response_of(404, "")).reason, "");
  EXPECT_EQ(error_of(response_of(412, "")).code, Code::kConflict);
  EXPECT_EQ(error_of(response_of(403, "<html>no</html>")).code, Code::kDenied);
  EXPECT_EQ(error_of(response_of(502, "Bad Gateway")).code, Code::kUnavailable);
  EXPECT_EQ(error_of(response_of(400, "<Error>")).code, Code::kInvalidInput);
  EXPECT_FALSE(error_of(response_of(400, "[1]")).message.empty());
}

TEST(ErrorForms, SaysWhatMayHelp) {
  for (const char* reason : {"RequestLimitExceeded", "SlowDown", "ThrottlingException", "OverLimit"})
    EXPECT_EQ(remedy_of(reason, 400), Remedy::kSlower) << reason;
  EXPECT_EQ(remedy_of("", 429), Remedy::kSlower);
  EXPECT_EQ(remedy_of("RequestTimeout", 400), Remedy::kAgain);
  EXPECT_EQ(remedy_of("", 503), Remedy::kAgain);
  EXPECT_EQ(remedy_of("InternalError", 500), Remedy::kAgain);
  for (const char* reason : {"ExpiredToken", "InvalidClientTokenId", "RequestTimeTooSkewed", "AuthFailure", ""})
    EXPECT_EQ(remedy_of(reason, 400), Remedy::kResign) << reason;
  for (const char* reason : {"NoSuchKey", "AccessDenied", "AWS.SimpleQueueService.PurgeQueueInProgress"})
    EXPECT_EQ(remedy_of(reason, 403), Remedy::kNone) << reason;
}

}  // namespace
}  // namespace facefleet::aws
