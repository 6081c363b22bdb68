#include "tools/enrol.h"

#include <gtest/gtest.h>

#include <map>

#include "base/hash.h"
#include "base/testing.h"
#include "net/http_server.h"
#include "net/multipart.h"
#include "vision/image.h"

namespace facefleet::tools {
namespace {

// A photo of the smallest kind that a decoder takes, different for each shade.
Bytes photo(std::uint8_t shade) { return vision::encode_png({1, 1, {shade, shade, shade}}); }

class ListedPhotos final : public PhotoSource {
 public:
  void add(std::string path, std::string label, Bytes bytes) {
    entries_.push_back({std::move(path), std::move(label)});
    bytes_.push_back(std::move(bytes));
  }
  Result<Bytes> read(std::size_t index) override { return bytes_[index]; }

 private:
  std::vector<Bytes> bytes_;
};

// Gives the verdicts that it was told to, by path.
class ScriptedEnroller final : public Enroller {
 public:
  std::map<std::string, Verdict> verdicts;
  std::optional<Error> error;
  std::vector<std::size_t> batches;

  std::size_t batch_photos() const override { return 3; }
  std::size_t batches_at_once() const override { return 2; }
  Task<Result<std::vector<Verdict>>> enrol(std::vector<Photo> batch) override {
    batches.push_back(batch.size());
    if (error) co_return *error;
    std::vector<Verdict> out;
    for (const Photo& one : batch) {
      EXPECT_EQ(one.sha256, hex(sha256(one.bytes)));
      out.push_back(verdicts[one.path]);
    }
    co_return out;
  }
};

struct Ran {
  Summary summary;
  std::map<std::string, std::string> fates;  // path -> status and reason
};

Ran enrol(PhotoSource& source, Enroller& enroller) {
  Ran ran;
  asio::io_context context;
  Follow follow = [&](const PhotoEntry& entry, const Verdict& verdict) {
    ran.fates[entry.path] = std::string(to_string(verdict.status)) + " " + verdict.reason;
  };
  ran.summary = run_task(context, enrol_all(source, enroller, std::move(follow)));
  return ran;
}

TEST(Enrol, TellsEachPhotosFate) {
  ListedPhotos source;
  source.add("Ann/1.png", "Ann", photo(1));
  source.add("Ann/2.png", "Ann", photo(2));
  source.add("Ann/3.png", "Ann", photo(3));
  source.add("Ann/copy.png", "Ann", photo(1));
  source.add("Bob/1.png", "Bob", photo(1));  // another person's: not a copy
  source.add("Bob/notes.txt", "Bob", "buy milk");
  source.add("Bob/empty.jpg", "Bob", "");
  source.add("loose.png", "", photo(4));
  source.add("x/1.png", "no face", photo(5));
  ScriptedEnroller enroller;
  enroller.verdicts["Ann/2.png"] = {Status::kPresent, "", ""};
  enroller.verdicts["Ann/3.png"] = {Status::kRejected, "no_face", "no face was found"};
  const Ran ran = enrol(source, enroller);
  const std::map<std::string, std::string> expected = {{"Ann/1.png", "enrolled "},
                                                       {"Ann/2.png", "already_enrolled "},
                                                       {"Ann/3.png", "rejected no_face"},
                                                       {"Ann/copy.png", "rejected duplicate"},
                                                       {"Bob/1.png", "enrolled "},
                                                       {"Bob/notes.txt", "rejected not_an_image"},
                                                       {"Bob/empty.jpg", "rejected empty"},
                                                       {"loose.png", "rejected no_label"},
                                                       {"x/1.png", "rejected bad_person_name"}};
  EXPECT_EQ(ran.fates, expected);
  EXPECT_EQ(ran.summary.enrolled, 2U);
  EXPECT_EQ(ran.summary.present, 1U);
  EXPECT_EQ(ran.summary.rejected.size(), 6U);
  EXPECT_TRUE(ran.summary.success());
  EXPECT_EQ(enroller.batches, (std::vector<std::size_t>{3, 1}));
}

TEST(Enrol, StopsWhenTheSystemCannotGoOn) {
  ListedPhotos source;
  for (std::uint8_t i = 0; i < 100; ++i) source.add(std::to_string(i), "Ann", photo(i));
  ScriptedEnroller enroller;
  enroller.error = Error{Code::kDenied, "no", "no_key"};
  const Ran ran = enrol(source, enroller);
  ASSERT_TRUE(ran.summary.stopped);
  EXPECT_EQ(ran.summary.stopped->reason, "no_key");
  EXPECT_FALSE(ran.summary.success());
  EXPECT_LE(enroller.batches.size(), 2U);
}

TEST(Enrol, NothingEnrolledIsNoSuccess) {
  ListedPhotos source;
  source.add("loose.png", "", photo(1));
  ScriptedEnroller enroller;
  EXPECT_FALSE(enrol(source, enroller).summary.success());
}

TEST(Enrol, ReportsALineOfJson) {
  EXPECT_EQ(to_json_line({"Ann/\"1\".jpg", "Ann"}, {Status::kRejected, "no_face", "none"}),
            R"({"photo":"Ann/\"1\".jpg","person":"Ann","status":"rejected","reason":"no_face","message":"none"})"
            "\n");
}

// A system that answers what it is told to.
class RemoteEnrolTest : public testing::Test {
 protected:
  RemoteEnrolTest() {
    net::Admit admit = [](const net::HttpRequest&) { return net::Admission{}; };
    net::Handler handler = [this](net::HttpRequest& request) -> Task<net::HttpResponse> {
      requests_.push_back(request);
      net::HttpResponse response = answers_.at(std::min(requests_.size(), answers_.size()) - 1);
      co_return response;
    };
    server_ = net::HttpServer::listen(context_.get_executor(), {}, admit, handler, Log::silent()).value();
    client_ = ApiClient::open(context_.get_executor(), "http://127.0.0.1:" + std::to_string(server_->port()), "secret")
                  .value();
    enroller_ = open_remote_enroller(*client_, "team");
  }

  Result<std::vector<Verdict>> enrol_one() {
    Photo one{"deep/Zoë \"Z\".png", "Zoë", photo(1), ""};
    std::vector<Photo> batch;
    batch.push_back(std::move(one));
    return run_task(context_, enroller_->enrol(std::move(batch)));
  }

  asio::io_context context_;
  std::vector<net::HttpRequest> requests_;
  std::vector<net::HttpResponse> answers_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<ApiClient> client_;
  std::unique_ptr<Enroller> enroller_;
};

TEST_F(RemoteEnrolTest, PostsThePhotoUnderItsName) {
  answers_ = {net::HttpResponse::json(201, R"({"version":1,"photos":[{"photo":"x","status":"added"}]})")};
  const auto verdicts = enrol_one();
  ASSERT_TRUE(verdicts) << verdicts.error().message;
  EXPECT_EQ(verdicts->front().status, Status::kEnrolled);
  ASSERT_EQ(requests_.size(), 1U);
  EXPECT_EQ(requests_[0].target, "/v1/galleries/team/persons/Zo%C3%AB/photos");
  EXPECT_EQ(requests_[0].headers.get("x-api-key"), "secret");
  const auto parts = net::parse_multipart(*requests_[0].headers.get("content-type"), requests_[0].body, 2).value();
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].body, photo(1));
  EXPECT_TRUE(parts[0].is_file);
}

TEST_F(RemoteEnrolTest, TriesAgainWhileTheSystemIsBusy) {
  net::HttpResponse busy = net::HttpResponse::json(429, R"({"error":{"code":"busy","message":"m","reason":"r"}})");
  busy.headers.set("Retry-After", "0");
  answers_ = {busy, net::HttpResponse::json(200, R"({"photos":[{"status":"already_enrolled"}]})")};
  EXPECT_EQ(enrol_one().value().front().status, Status::kPresent);
  EXPECT_EQ(requests_.size(), 2U);
}

TEST_F(RemoteEnrolTest, TellsAPhotosFaultFromTheSystems) {
  const auto answer = [](int status, const std::string& reason) {
    return net::HttpResponse::json(status, R"({"error":{"code":"x","message":"why","reason":")" + reason + "\"}}");
  };
  answers_ = {answer(422, "no_face")};
  const Verdict rejected = enrol_one().value().front();
  EXPECT_EQ(rejected.status, Status::kRejected);
  EXPECT_EQ(rejected.reason, "no_face");
  answers_ = {answer(500, "internal")};
  EXPECT_EQ(enrol_one().value().front().status, Status::kFailed);
  answers_ = {answer(409, "model_mismatch")};
  EXPECT_EQ(enrol_one().error().reason, "model_mismatch");
  answers_ = {answer(401, "no_key")};
  EXPECT_EQ(enrol_one().error().code, Code::kDenied);
}

TEST_F(RemoteEnrolTest, DoesNotTrustWhatAnswers) {
  for (const char* body : {"", "[]", "{}", R"({"photos":[]})", R"({"photos":[{}]})", R"({"photos":[1]})"}) {
    answers_ = {net::HttpResponse::json(200, body)};
    const auto verdicts = enrol_one();
    EXPECT_TRUE(!verdicts || verdicts->front().status == Status::kFailed) << body;
  }
}

}  // namespace
}  // namespace facefleet::tools
