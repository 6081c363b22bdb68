// The metadata service as curl asks it, and as a worker does (aws/imds.h).
#include "localcloud/ec2/imds.h"

#include <gmock/gmock.h>

#include "aws/imds.h"
#include "localcloud/doors_under_test.h"

namespace facefleet::localcloud::ec2 {
namespace {

using testing::HasSubstr;

class ImdsTest : public testing::Test {
 protected:
  ImdsTest() { id_ = run_task(doors_.context(), doors_.fleet().launch(1)).value()[0].id; }

  net::HttpResponse ask(const std::string& method, const std::string& path, net::Headers headers = {}) {
    net::HttpRequest request;
    request.method = method;
    request.target = Imds::path_of(id_, doors_.credentials()) + path;
    request.headers = std::move(headers);
    return doors_.send_unsigned(std::move(request));
  }
  static net::Headers with(const std::string& name, const std::string& value) {
    net::Headers headers;
    headers.set(name, value);
    return headers;
  }
  std::string token() {
    const auto given = ask("PUT", "/latest/api/token", with("X-aws-ec2-metadata-token-ttl-seconds", "60"));
    EXPECT_EQ(given.status, 200);
    EXPECT_EQ(given.headers.get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"), "60");
    return given.body;
  }
  net::HttpResponse get(const std::string& path) {
    return ask("GET", "/latest/" + path, with("X-aws-ec2-metadata-token", token()));
  }
  std::unique_ptr<aws::Imds> client() {
    return aws::Imds::open(doors_.executor(),
                           "http://" + doors_.host() + Imds::path_of(id_, doors_.credentials()) + "/", doors_.clock())
        .value();
  }

  DoorsUnderTest doors_;
  std::string id_;
};

TEST_F(ImdsTest, TellsAnInstanceWhoItIs) {
  EXPECT_EQ(get("meta-data/instance-id").body, id_);
  EXPECT_EQ(get("meta-data/placement/region").body, "us-east-1");
  EXPECT_EQ(get("meta-data/tags/instance/Name").body, "app-tier-instance-1");
  EXPECT_THAT(get("dynamic/instance-identity/document").body, HasSubstr("\"instanceId\" : \"" + id_ + "\""));
  EXPECT_EQ(get("meta-data/iam/security-credentials").body, "facefleet-worker");
  EXPECT_THAT(get("meta-data/iam/security-credentials/facefleet-worker").body,
              HasSubstr("\"AccessKeyId\" : \"" + doors_.credentials().access_key_id + "\""));
  EXPECT_EQ(get("meta-data/placement/").body, "availability-zone\nregion");
  EXPECT_EQ(get("").body, "dynamic/\nmeta-data/");
  EXPECT_EQ(get("meta-data/spot/instance-action").status, 404);
  EXPECT_EQ(get("meta-data/nothing").status, 404);
}

TEST_F(ImdsTest, WithoutAGoodTokenNothingIsTold) {
  EXPECT_EQ(ask("GET", "/latest/meta-data/instance-id").status, 401);
  EXPECT_EQ(ask("GET", "/latest/meta-data/instance-id", with("X-aws-ec2-metadata-token", "x")).status, 401);
  std::string tampered = token();
  tampered.insert(0, "9");  // good for longer than was given
  EXPECT_EQ(ask("GET", "/latest/meta-data/instance-id", with("X-aws-ec2-metadata-token", tampered)).status, 401);
  const std::string others = token();
  id_ = run_task(doors_.context(), doors_.fleet().launch(1)).value()[0].id;
  EXPECT_EQ(ask("GET", "/latest/meta-data/instance-id", with("X-aws-ec2-metadata-token", others)).status, 401);
}

TEST_F(ImdsTest, TokensAreGivenByTheirRules) {
  const std::string path = "/latest/api/token";
  EXPECT_EQ(ask("PUT", path).status, 400);
  for (const char* ttl : {"0", "21601", "x", "-5"})
    EXPECT_EQ(ask("PUT", path, with("X-aws-ec2-metadata-token-ttl-seconds", ttl)).status, 400) << ttl;
  net::Headers forwarded = with("X-aws-ec2-metadata-token-ttl-seconds", "60");
  forwarded.set("X-Forwarded-For", "10.0.0.1");
  EXPECT_EQ(ask("PUT", path, forwarded).status, 403);
  EXPECT_EQ(ask("GET", path).status, 405);
}

TEST_F(ImdsTest, WhoIsNoInstanceIsToldNothing) {
  id_ = "i-0123456789abcdef0";
  EXPECT_EQ(ask("PUT", "/latest/api/token", with("X-aws-ec2-metadata-token-ttl-seconds", "60")).status, 404);
}

TEST_F(ImdsTest, WhoKnowsTheIdAloneIsToldNothing) {
  net::HttpRequest request;
  request.method = "PUT";
  request.headers.set("Host", doors_.host());
  request.headers.set("X-aws-ec2-metadata-token-ttl-seconds", "60");
  for (const std::string& path : {"/~imds/" + id_, "/~imds/" + id_ + "/" + std::string(64, '0'),
                                  Imds::path_of("i-0123456789abcdef0", doors_.credentials())}) {
    request.target = path + "/latest/api/token";
    EXPECT_EQ(doors_.send_unsigned(request).status, 404) << path;
  }
}

TEST_F(ImdsTest, AWorkerLearnsWhoItIsAndThatItsTimeHasCome) {
  const auto imds = client();
  const auto self = run_task(doors_.context(), imds->identity());
  ASSERT_TRUE(self) << self.error().message;
  EXPECT_EQ(self->id, id_);
  EXPECT_EQ(self->name, "app-tier-instance-1");
  EXPECT_EQ(self->region, "us-east-1");
  EXPECT_FALSE(run_task(doors_.context(), imds->spot_action()).value());
  const std::vector<std::string> ids{id_};
  const fleet::Tags notice{{"facefleet:spot-termination", "2026-01-31T12:00:00Z"}};
  ASSERT_TRUE(run_task(doors_.context(), doors_.fleet().create_tags(ids, notice)));
  const auto action = run_task(doors_.context(), imds->spot_action()).value();
  ASSERT_TRUE(action);
  EXPECT_EQ(action->action, "terminate");
  EXPECT_EQ(action->time_ms, 1'769'860'800'000);
  EXPECT_EQ(run_task(doors_.context(), imds->get("meta-data/none")).error().code, Code::kNotFound);
}

TEST_F(ImdsTest, WhereNobodyAnswersThereIsNoInstance) {
  const auto imds = aws::Imds::open(doors_.executor(), "http://127.0.0.1:1", doors_.clock()).value();
  EXPECT_EQ(run_task(doors_.context(), imds->identity()).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace facefleet::localcloud::ec2
