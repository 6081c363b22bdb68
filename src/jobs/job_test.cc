#include "jobs/job.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/hash.h"
#include "base/ids.h"
#include "jobs/json_writer.h"
#include "jobs/utf8.h"

namespace facefleet::jobs {
namespace {

constexpr std::string_view kId = "01HF7YAT00000000000000ABCD";

Job full_job() {
  Job job;
  job.id = kId;
  job.kind = Kind::kEmbed;
  job.name = "Jürgen \"J\" \\ 李.jpg";
  job.gallery = "staff-2";
  job.gallery_version = 9'007'199'254'740'993;
  job.reply_to = "facefleet-resp-queue";
  job.views = true;
  job.matches_max = 7;
  job.accepted_ms = 1'700'000'000'123;
  job.again = true;
  return job;
}

Outcome full_outcome() {
  Outcome outcome;
  outcome.job_id = kId;
  outcome.name = "two.jpg";
  outcome.gallery = "staff";
  outcome.label = "Zoë";
  outcome.main_face = 1;
  for (const float x : {0.1F, 1e-7F}) {
    Face face;
    face.box = {x, -3.25F, 41.7F, 3.4e38F};
    for (std::size_t i = 0; i < 5; ++i) face.landmarks[i] = {static_cast<float>(i) / 3, -static_cast<float>(i) * x};
    face.score = 0.987654F;
    face.label = "Zoë";
    face.matches = {{"Zoë", 0.71F, true}, {"Bob", -0.2F, false}};
    outcome.faces.push_back(face);
  }
  outcome.width = 250;
  outcome.height = 187;
  outcome.rotation = 270;
  outcome.model = "sface@0ba9fbfa";
  outcome.gallery_version = 9'007'199'254'740'993;
  outcome.stages = {{"decode", 0.125}, {"detect", 1.5}};
  outcome.finished_ms = 1'700'000'000'456;
  outcome.worker = "i-0123456789abcdef0";
  outcome.embedding = Bytes("\0\1\2\xFF\x80 abc", 9);
  outcome.chip_png = Bytes("\x89PNG\r\n\x1a\n", 8);
  return outcome;
}

TEST(Job, RoundTrips) {
  const Job job = full_job();
  const auto back = decode_job(encode(job));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->id, job.id);
  EXPECT_EQ(back->kind, job.kind);
  EXPECT_EQ(back->name, job.name);
  EXPECT_EQ(back->gallery, job.gallery);
  EXPECT_EQ(back->gallery_version, job.gallery_version);
  EXPECT_EQ(back->reply_to, job.reply_to);
  EXPECT_EQ(back->views, job.views);
  EXPECT_EQ(back->again, job.again);
  EXPECT_EQ(back->matches_max, job.matches_max);
  EXPECT_EQ(back->accepted_ms, job.accepted_ms);
}

TEST(Job, EachKindRoundTrips) {
  for (const Kind kind : {Kind::kRecognise, Kind::kClassify, Kind::kEmbed}) {
    Job job = full_job();
    job.kind = kind;
    const auto back = decode_job(encode(job));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->kind, kind);
  }
}

// As gateways sent them before jobs said which version of the gallery they need.
TEST(Job, WithoutAVersionOfTheGalleryIsStillRead) {
  Bytes bytes = encode(full_job());
  const std::string field = R"("gallery_version":9007199254740993,)";
  ASSERT_NE(bytes.find(field), Bytes::npos);
  bytes.erase(bytes.find(field), field.size());
  const auto job = decode_job(bytes);
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->gallery_version, -1);
  EXPECT_EQ(job->gallery, "staff-2");
}

TEST(Job, EveryNameFits) {
  for (const std::string& name : {std::string(5'000, 'a'), std::string(2'000, '"'), std::string(2'000, '\x01'),
                                  std::string(2'000, '\xFF'), std::string("x") + std::string(1'999, '\xE2')}) {
    Job job = full_job();
    job.name = name;
    job.gallery = std::string(64, 'g');
    job.reply_to = std::string(80, 'q');
    const Bytes bytes = encode(job);
    EXPECT_LE(bytes.size(), kMessageBytesMax);
    EXPECT_GT(bytes.size(), kMessageBytesMax - 8) << "shortened more than needed";
    const auto back = decode_job(bytes);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_TRUE(is_utf8(back->name));
  }
}

TEST(Job, APhotoMayTravelInTheMessage) {
  Job job = full_job();
  job.photo = Bytes("\xFF\xD8\0 not text", 11);
  const auto back = decode_job(encode(job));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->photo, job.photo);
  EXPECT_EQ(back->name, job.name);

  job.photo = Bytes(3 * kInlineMessageBytesMax / 4, 'x');  // base 64 alone is as long as a message may be
  const auto longer = decode_job(encode(job));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().reason, "malformed_job");
}

TEST(Job, NamesAreCutBetweenCharacters) {
  Job job = full_job();
  job.name.clear();
  for (int i = 0; i < 500; ++i) job.name += "李";
  const auto back = decode_job(encode(job));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->name.size() % 3, 0u);
  EXPECT_TRUE(job.name.starts_with(back->name));
}

TEST(Job, WhatIsNotAJobIsRefused) {
  const std::string id(kId);
  for (const std::string& bytes : {
           std::string(),
           std::string("not json"),
           std::string("[]"),
           std::string("{}"),
           std::string(R"({"v":1})"),
           std::string(R"({"v":"1"})"),
           std::string(2'000, ' ') + "{}",
           std::string(R"({"v":1,"id":"../../etc","kind":"recognise","name":"","gallery":"d","reply_to":"",)") +
               R"("views":false,"matches_max":5,"accepted_ms":0})",
           R"({"v":1,"id":")" + id + R"(","kind":"guess","name":"","gallery":"d","reply_to":"",)" +
               R"("views":false,"matches_max":5,"accepted_ms":0})",
           R"({"v":1,"id":")" + id + R"(","kind":"embed","name":"","gallery":"d","reply_to":"",)" +
               R"("views":false,"matches_max":-5,"accepted_ms":0})",
           R"({"v":1,"id":")" + id + R"(","kind":"embed","name":"","gallery":"a\u007f","reply_to":"",)" +
               R"("views":false,"matches_max":5,"accepted_ms":0})",
           R"({"v":1,"id":")" + id + R"(","kind":"embed","name":"","gallery":"d","reply_to":")" + std::string(81, 'q') +
               R"(","views":false,"matches_max":5,"accepted_ms":0})",
       }) {
    const auto job = decode_job(bytes);
    ASSERT_FALSE(job) << bytes;
    EXPECT_EQ(job.error().code, Code::kInvalidInput);
    EXPECT_EQ(job.error().reason, "malformed_job");
  }
}

TEST(Job, AnotherVersionIsRefusedWithAdvice) {
  Bytes bytes = encode(full_job());
  bytes.replace(bytes.find("\"v\":1"), 5, "\"v\":2");
  const auto job = decode_job(bytes);
  ASSERT_FALSE(job);
  EXPECT_EQ(job.error().reason, "job_version");
}

TEST(Outcome, RoundTripsToTheLastBit) {
  const Outcome outcome = full_outcome();
  const auto back = decode_outcome(encode(outcome));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode(*back), encode(outcome));
  EXPECT_EQ(back->gallery_version, outcome.gallery_version);
  EXPECT_EQ(back->embedding, outcome.embedding);
  EXPECT_EQ(back->chip_png, outcome.chip_png);
  ASSERT_EQ(back->faces.size(), 2u);
  EXPECT_EQ(back->faces[1].box.x, outcome.faces[1].box.x);
  EXPECT_EQ(back->faces[1].landmarks[4].y, outcome.faces[1].landmarks[4].y);
  EXPECT_EQ(back->faces[1].matches[1].similarity, outcome.faces[1].matches[1].similarity);
  EXPECT_TRUE(back->faces[0].matches[0].above_threshold);
}

TEST(Outcome, ClassesRoundTrip) {
  Outcome outcome;
  outcome.job_id = kId;
  outcome.kind = Kind::kClassify;
  outcome.label = "shower curtain";
  outcome.classes = {{"shower curtain", 0.7F}, {"\"paddle\"", 1e-7F}};
  const auto back = decode_outcome(encode(outcome));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode(*back), encode(outcome));
  ASSERT_EQ(back->classes.size(), 2u);
  EXPECT_EQ(back->classes[1].name, "\"paddle\"");
  EXPECT_EQ(back->classes[1].score, 1e-7F);
}

TEST(Outcome, AnEmbeddingIsAbsentOrThere) {
  Outcome outcome = full_outcome();
  outcome.embedding.reset();
  outcome.chip_png = Bytes();
  const auto back = decode_outcome(encode(outcome));
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->embedding);
  ASSERT_TRUE(back->chip_png);
  EXPECT_TRUE(back->chip_png->empty());
}

TEST(Outcome, NumbersThatAreNotFiniteBecomeZero) {
  Outcome outcome = full_outcome();
  outcome.faces[0].score = std::numeric_limits<float>::quiet_NaN();
  outcome.faces[0].box.x = std::numeric_limits<float>::infinity();
  const auto back = decode_outcome(encode(outcome));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->faces[0].score, 0);
  EXPECT_EQ(back->faces[0].box.x, 0);
}

TEST(Outcome, MainFaceMustBeAFace) {
  Outcome outcome = full_outcome();
  outcome.main_face = 2;
  EXPECT_FALSE(decode_outcome(encode(outcome)));
  outcome.main_face = -2;
  EXPECT_FALSE(decode_outcome(encode(outcome)));
  outcome.faces.clear();
  outcome.main_face = -1;
  EXPECT_TRUE(decode_outcome(encode(outcome)));
}

// Whatever bytes come: a value that can be encoded again, or an error; every prefix is an error.
TEST(Outcome, MutationsNeverSurprise) {
  const Bytes whole = encode(full_outcome());
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(decode_outcome(whole.substr(0, length)));
  SeededRandom random(7);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = whole;
    for (std::uint64_t edits = random.next() % 4 + 1; edits > 0; --edits) {
      const std::size_t at = random.next() % bytes.size();
      switch (random.next() % 3) {
        case 0: bytes[at] = static_cast<char>(random.next()); break;
        case 1: bytes.erase(at, random.next() % 5); break;
        default: bytes.insert(at, 1, static_cast<char>(random.next()));
      }
      if (bytes.empty()) break;
    }
    const auto outcome = decode_outcome(bytes);
    if (!outcome) {
      EXPECT_EQ(outcome.error().code, Code::kInvalidInput);
      continue;
    }
    const auto again = decode_outcome(encode(*outcome));
    ASSERT_TRUE(again) << again.error().message;
  }
}

TEST(Stem, EndsAtTheFirstDot) {
  EXPECT_EQ(stem("test_001.jpg"), "test_001");
  EXPECT_EQ(stem("test_001.final.jpg"), "test_001");
  EXPECT_EQ(stem("plain"), "plain");
  EXPECT_EQ(stem(".hidden"), ".hidden");
  EXPECT_EQ(stem(""), "");
}

TEST(Names, FollowTheSystem) {
  const Names names("1225754101");
  EXPECT_EQ(names.request_queue, "1225754101-req-queue");
  EXPECT_EQ(names.response_queue, "1225754101-resp-queue");
  EXPECT_EQ(names.in_bucket, "1225754101-in-bucket");
  EXPECT_EQ(names.out_bucket, "1225754101-out-bucket");
  EXPECT_EQ(photo_key("X"), "photos/X");
  EXPECT_EQ(outcome_key("X"), "outcomes/X");
  EXPECT_EQ(reuse_key("ab", "default"), "reuse/ab-default");
}

TEST(Names, TakeTheFormsOfAnotherSystem) {
  NameForms forms;
  forms.request_queue = "sqs_input_queue";
  forms.in_bucket = "{id}-photos-of-{id}";
  const Names names("s4", forms);
  EXPECT_EQ(names.request_queue, "sqs_input_queue");
  EXPECT_EQ(names.response_queue, "s4-resp-queue");
  EXPECT_EQ(names.in_bucket, "s4-photos-of-s4");
  EXPECT_EQ(names.job_bucket, "s4-jobs");
}

TEST(Utf8, KnowsEveryEdge) {
  EXPECT_TRUE(is_utf8("plain, \xC3\xA9, \xE6\x9D\x8E, \xF0\x9F\x99\x82, \xF4\x8F\xBF\xBF"));
  for (const std::string_view bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                                     "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE6\x9D", "\xC3("})
    EXPECT_FALSE(is_utf8(bad)) << hex(bad);
  EXPECT_EQ(to_utf8("a\xFF\xE6\x9D"
                    "b"),
            "a\uFFFD\uFFFD\uFFFDb");
}

TEST(JsonWriter, WritesWhatPeopleRead) {
  JsonWriter out;
  out.begin_object().key("a").rounded(1.25, 3).key("b").rounded(-0.0004, 2).key("c").rounded(7, 0).key("d");
  out.begin_array().text("x\n\"\x01").null().boolean(true).number(0.1F).end_array().key("e").raw("{}").end_object();
  EXPECT_EQ(out.str(), R"({"a":1.25,"b":0,"c":7,"d":["x\n\"\u0001",null,true,0.1],"e":{}})");
}

}  // namespace
}  // namespace facefleet::jobs
