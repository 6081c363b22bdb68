// The backends' contracts through the doors, and what the doors do before any action is reached.
#include "localcloud/localcloud.h"

#include <gmock/gmock.h>

#include "fleet/backends/ec2/ec2_fleet.h"
#include "fleet/fleet_contract.h"
#include "localcloud/doors_under_test.h"
#include "queue/backends/sqs/sqs_queue.h"
#include "queue/queue_contract.h"
#include "store/backends/s3/s3_store.h"
#include "store/store_contract.h"
#include "table/backends/dynamodb/dynamodb_tables.h"
#include "table/tables_contract.h"

namespace facefleet::localcloud {
namespace {

using testing::HasSubstr;

class SqsPlace final : public queue::QueuePlace {
 public:
  explicit SqsPlace(bool durable) : doors_(3, Millis{0}, durable) {}
  asio::io_context& context() override { return doors_.context(); }
  queue::Queues& queues() override { return *queues_; }

 private:
  DoorsUnderTest doors_;
  std::unique_ptr<aws::Client> client_ = doors_.client("sqs");
  std::unique_ptr<queue::Queues> queues_ = queue::open_sqs_queues(*client_);
};

class S3Place final : public store::StorePlace {
 public:
  asio::io_context& context() override { return doors_.context(); }
  store::ObjectStore& store() override { return *store_; }

 private:
  DoorsUnderTest doors_;
  std::unique_ptr<aws::Client> client_ = doors_.client("s3");
  std::unique_ptr<store::ObjectStore> store_ = store::open_s3_store(*client_);
};

class DynamoDbPlace final : public table::TablesPlace {
 public:
  asio::io_context& context() override { return doors_.context(); }
  table::Tables& tables() override { return *tables_; }

 private:
  DoorsUnderTest doors_;
  std::unique_ptr<aws::Client> client_ = doors_.client("dynamodb");
  std::unique_ptr<table::Tables> tables_ = table::open_dynamodb_tables(*client_);
};

class Ec2Place final : public fleet::FleetUnderTest {
 public:
  Ec2Place() {
    fleet::Ec2Options options;
    options.cap = fleet::kContractCap;
    fleet_ = fleet::open_ec2_fleet(*client_, std::move(options), doors_.clock(), random_);
  }
  asio::io_context& context() override { return doors_.context(); }
  fleet::Fleet& fleet() override { return *fleet_; }

 private:
  DoorsUnderTest doors_{fleet::kContractCap};
  SystemRandom random_;
  std::unique_ptr<aws::Client> client_ = doors_.client("ec2");
  std::unique_ptr<fleet::Fleet> fleet_;
};

class LocalCloudTest : public testing::Test {
 protected:
  DoorsUnderTest doors_;
};

net::HttpRequest get(std::string target) {
  net::HttpRequest request;
  request.target = std::move(target);
  return request;
}

TEST_F(LocalCloudTest, AnUnsignedRequestIsRefusedInTheFormOfItsService) {
  const auto s3 = doors_.send_unsigned(get("/bucket/key"));
  EXPECT_EQ(s3.status, 403);
  EXPECT_THAT(s3.body, HasSubstr("<Code>AccessDenied</Code>"));

  net::HttpRequest json = get("/");
  json.method = "POST";
  json.headers.set("X-Amz-Target", "AmazonSQS.ListQueues");
  json.body = "{}";
  const auto sqs = doors_.send_unsigned(std::move(json));
  EXPECT_EQ(sqs.status, 403);
  EXPECT_THAT(sqs.body, HasSubstr("#MissingAuthenticationToken\""));
  EXPECT_EQ(sqs.headers.get("x-amzn-query-error"), "MissingAuthenticationToken;Sender");
}

TEST_F(LocalCloudTest, AWrongKeyOrSecretIsRefused) {
  net::HttpRequest request = get("/");
  request.headers.set("Host", doors_.host());
  aws::sign(request, {"AKOTHER", "whatever", ""}, {"us-east-1", "s3"}, doors_.clock().wall_ms());
  EXPECT_THAT(doors_.send_unsigned(request).body, HasSubstr("<Code>InvalidAccessKeyId</Code>"));
  aws::sign(request, {"AKTEST", "not the secret", ""}, {"us-east-1", "s3"}, doors_.clock().wall_ms());
  const auto refused = doors_.send_unsigned(request);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("<Code>SignatureDoesNotMatch</Code>"));
}

TEST_F(LocalCloudTest, ASignatureForAnotherServiceDoesNotOpenThisDoor) {
  net::HttpRequest request = get("/");
  request.method = "POST";
  request.headers.set("Host", doors_.host());
  request.headers.set("X-Amz-Target", "AmazonSQS.ListQueues");
  request.body = "{}";
  aws::sign(request, doors_.credentials(), {"us-east-1", "ec2"}, doors_.clock().wall_ms());
  const auto refused = doors_.send_unsigned(std::move(request));
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("'sqs'"));
}

TEST_F(LocalCloudTest, AServiceThatIsNotHereSaysSo) {
  const auto answer = doors_.query("iam", "Action=ListUsers&Version=2010-05-08");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("<Code>InvalidAction</Code>"));
  EXPECT_THAT(answer.body, HasSubstr("iam"));
}

TEST_F(LocalCloudTest, StsSaysWhoTheCallerIs) {
  const auto answer = doors_.query("sts", "Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("<Account>123456789012</Account>"));
  EXPECT_THAT(answer.body, HasSubstr("<UserId>AKTEST</UserId>"));
  EXPECT_THAT(doors_.query("sts", "Action=AssumeRole&Version=2011-06-15").body,
              HasSubstr("<Code>InvalidAction</Code>"));
}

TEST_F(LocalCloudTest, EveryAnswerNamesItsRequest) {
  EXPECT_EQ(doors_.json("ListQueues", "{}").headers.get("x-amzn-RequestId")->size(), 36u);
  EXPECT_EQ(doors_.s3("GET", "/").headers.get("x-amz-request-id")->size(), 36u);
}

TEST_F(LocalCloudTest, ATakenPortIsAConflict) {
  SystemRandom random;
  Options options;
  options.port = static_cast<std::uint16_t>(std::stoi(doors_.host().substr(doors_.host().find(':') + 1)));
  const auto second = LocalCloud::open(
      doors_.executor(), std::move(options),
      {doors_.queues(), doors_.store(), doors_.tables(), nullptr, doors_.clock(), random, Log::silent()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
}

}  // namespace
}  // namespace facefleet::localcloud

namespace facefleet::queue {
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(QueueTimeContract);  // the door deals in whole seconds
INSTANTIATE_TEST_SUITE_P(
    SqsDoor, QueueContract,
    testing::Values(QueueBackend{"memory", [] { return std::make_unique<localcloud::SqsPlace>(false); }},
                    QueueBackend{"durable", [] { return std::make_unique<localcloud::SqsPlace>(true); }}),
    [](const auto& backend) { return backend.param.name; });
}  // namespace facefleet::queue

namespace facefleet::store {
INSTANTIATE_TEST_SUITE_P(S3Door, StoreContract,
                         testing::Values(StoreBackend{"s3", [] { return std::make_unique<localcloud::S3Place>(); }}));
}  // namespace facefleet::store

namespace facefleet::table {
INSTANTIATE_TEST_SUITE_P(DynamoDbDoor, TablesContract,
                         testing::Values(TablesBackend{"dynamodb",
                                                       [] { return std::make_unique<localcloud::DynamoDbPlace>(); }}));
}  // namespace facefleet::table

namespace facefleet::fleet {
std::unique_ptr<FleetUnderTest> make_ec2_fleet() { return std::make_unique<localcloud::Ec2Place>(); }
INSTANTIATE_TEST_SUITE_P(Ec2Door, FleetContract, testing::Values(&make_ec2_fleet));
}  // namespace facefleet::fleet
