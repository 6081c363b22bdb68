// The bytes of jobs and outcomes.
#include <algorithm>
#include <boost/json.hpp>
#include <functional>

#include "base/ids.h"
#include "base/limits.h"
#include "jobs/job.h"
#include "jobs/json_reader.h"
#include "jobs/json_writer.h"

namespace facefleet::jobs {
namespace {

namespace json = boost::json;

constexpr int kVersion = 1;
constexpr std::size_t kMatchesPerFaceMax = 1'000;
constexpr std::size_t kStagesMax = 64;
constexpr std::size_t kClassesMax = 1'000;
constexpr std::size_t kOutcomeBytesMax = 8u << 20;

struct KindName {
  Kind kind;
  std::string_view name;
};
constexpr std::array kKinds{KindName{Kind::kRecognise, "recognise"}, KindName{Kind::kClassify, "classify"},
                            KindName{Kind::kEmbed, "embed"}};

void read_kind(JsonReader& fields, Kind& kind) {
  std::string text;
  fields.read("kind", text);
  const auto found = std::ranges::find(kKinds, text, &KindName::name);
  if (found == kKinds.end())
    fields.fail("kind");
  else
    kind = found->kind;
}

void read_id(JsonReader& fields, std::string_view key, std::string& id) {
  fields.read(key, id);
  if (!is_id(id)) fields.fail(key);
}

// A name that goes into the message as it is: letters, digits, `-` and `_`. So its length bounds its encoded length.
void read_plain_name(JsonReader& fields, std::string_view key, std::size_t bytes_max, std::string& name) {
  fields.read(key, name);
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (name.size() > bytes_max || !std::ranges::all_of(name, is_plain)) fields.fail(key);
}

// Parses `bytes`, checks `v`, and lets `read` take the fields. `what` begins the reasons: "job", "outcome".
template <class Value>
Result<Value> decode(BytesView bytes, std::string_view what, std::size_t bytes_max,
                     const std::function<void(JsonReader&, Value&)>& read) {
  const auto malformed = [&](std::string_view why) {
    return Error{Code::kInvalidInput, "A malformed " + std::string(what) + " was read: " + std::string(why) + ".",
                 "malformed_" + std::string(what)};
  };
  if (bytes.size() > bytes_max) return malformed("it is too long");
  unsigned char buffer[8'192];
  json::monotonic_resource memory(buffer);
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  const json::value document = json::parse({bytes.data(), bytes.size()}, error, &memory, options);
  if (error) return malformed(error.message());
  const json::object* object = document.if_object();
  if (!object) return malformed("it is not a JSON object");

  std::string problem;
  JsonReader fields(*object, problem);
  int version = 0;
  fields.read("v", version);
  if (problem.empty() && version != kVersion)
    return Error{Code::kInvalidInput,
                 "A " + std::string(what) + " of version " + std::to_string(version) +
                     " was read; this program reads " + std::to_string(kVersion) +
                     ". Let all processes run the same release.",
                 std::string(what) + "_version"};
  Value value;
  read(fields, value);
  if (!problem.empty()) return malformed(problem);
  return value;
}

void write_face(JsonWriter& out, const Face& face) {
  out.begin_object().key("box").begin_array();
  out.number(face.box.x).number(face.box.y).number(face.box.width).number(face.box.height).end_array();
  out.key("landmarks").begin_array();
  for (const Point& point : face.landmarks) out.number(point.x).number(point.y);
  out.end_array().key("score").number(face.score).key("label").text(face.label).key("matches").begin_array();
  for (const Match& match : face.matches) {
    out.begin_object().key("person").text(match.person).key("similarity").number(match.similarity);
    out.key("above").boolean(match.above_threshold).end_object();
  }
  out.end_array().end_object();
}

// `count` numbers under `key`, in order, each handed to `take` with its index.
void read_numbers(JsonReader& fields, std::string_view key, std::size_t count,
                  const std::function<void(std::size_t, float)>& take) {
  std::size_t at = 0;
  fields.read_array(key, count, [&](const json::value& element) {
    float number = 0;
    fields.number(element, key, number);
    take(at++, number);
  });
  if (at != count) fields.fail(key);
}

Face read_face(JsonReader fields) {
  Face face;
  std::array<float*, 4> box{&face.box.x, &face.box.y, &face.box.width, &face.box.height};
  read_numbers(fields, "box", 4, [&](std::size_t at, float number) { *box[at] = number; });
  read_numbers(fields, "landmarks", 10, [&](std::size_t at, float number) {
    Point& point = face.landmarks[at / 2];
    (at % 2 == 0 ? point.x : point.y) = number;
  });
  fields.read("score", face.score);
  fields.read("label", face.label);
  fields.read_objects("matches", kMatchesPerFaceMax, [&](JsonReader inner) {
    Match& match = face.matches.emplace_back();
    inner.read("person", match.person);
    inner.read("similarity", match.similarity);
    inner.read("above", match.above_threshold);
  });
  return face;
}

void read_outcome(JsonReader& fields, Outcome& outcome) {
  read_id(fields, "job_id", outcome.job_id);
  read_kind(fields, outcome.kind);
  fields.read("name", outcome.name);
  fields.read("gallery", outcome.gallery);
  fields.read("error_reason", outcome.error_reason);
  fields.read("error_message", outcome.error_message);
  fields.read("label", outcome.label);
  fields.read("main_face", outcome.main_face);
  fields.read_objects("faces", limits::kFacesPerPhoto,
                      [&](JsonReader inner) { outcome.faces.push_back(read_face(inner)); });
  if (outcome.main_face < -1 || outcome.main_face >= static_cast<std::int32_t>(outcome.faces.size()))
    fields.fail("main_face");
  fields.read("width", outcome.width);
  fields.read("height", outcome.height);
  fields.read("rotation", outcome.rotation);
  if (fields.contains("classes"))
    fields.read_objects("classes", kClassesMax, [&](JsonReader inner) {
      Class& one = outcome.classes.emplace_back();
      inner.read("name", one.name);
      inner.read("score", one.score);
    });
  fields.read("model", outcome.model);
  fields.read("gallery_version", outcome.gallery_version);
  fields.read_objects("stages", kStagesMax, [&](JsonReader inner) {
    Stage& stage = outcome.stages.emplace_back();
    inner.read("name", stage.name);
    inner.read("ms", stage.ms);
  });
  fields.read("finished_ms", outcome.finished_ms);
  fields.read("worker", outcome.worker);
  if (fields.contains("embedding")) fields.read_bytes("embedding", outcome.embedding.emplace());
  if (fields.contains("chip_png")) fields.read_bytes("chip_png", outcome.chip_png.emplace());
}

}  // namespace

std::string_view to_string(Kind kind) { return std::ranges::find(kKinds, kind, &KindName::kind)->name; }

Bytes encode(const Job& job) {
  JsonWriter out;
  out.begin_object().key("v").number(kVersion).key("id").text(job.id).key("kind").plain_text(to_string(job.kind));
  out.key("gallery")
      .text(job.gallery)
      .key("gallery_version")
      .number(job.gallery_version)
      .key("reply_to")
      .text(job.reply_to)
      .key("views")
      .boolean(job.views);
  out.key("matches_max").number(job.matches_max).key("accepted_ms").number(job.accepted_ms);
  if (job.again) out.key("again").boolean(true);
  constexpr std::string_view kFrame = R"(,"name":""})";
  const std::size_t used = out.size() + kFrame.size();
  out.key("name").text_within(job.name, used < kMessageBytesMax ? kMessageBytesMax - used : 0);
  if (!job.photo.empty()) out.key("photo").plain_text(base64(job.photo));
  return out.end_object().take();
}

Result<Job> decode_job(BytesView bytes) {
  return decode<Job>(bytes, "job", kInlineMessageBytesMax, [](JsonReader& fields, Job& job) {
    read_id(fields, "id", job.id);
    read_kind(fields, job.kind);
    fields.read("name", job.name);
    if (job.name.size() > kMessageBytesMax) fields.fail("name");
    read_plain_name(fields, "gallery", limits::kGalleryNameBytes, job.gallery);
    if (fields.contains("gallery_version")) fields.read("gallery_version", job.gallery_version);
    read_plain_name(fields, "reply_to", limits::kQueueNameBytes, job.reply_to);
    fields.read("views", job.views);
    fields.read("matches_max", job.matches_max);
    fields.read("accepted_ms", job.accepted_ms);
    if (fields.contains("again")) fields.read("again", job.again);
    if (fields.contains("photo")) fields.read_bytes("photo", job.photo);
  });
}

Bytes encode(const Outcome& outcome) {
  JsonWriter out;
  out.begin_object().key("v").number(kVersion).key("job_id").text(outcome.job_id);
  out.key("kind").plain_text(to_string(outcome.kind)).key("name").text(outcome.name);
  out.key("gallery").text(outcome.gallery).key("error_reason").text(outcome.error_reason);
  out.key("error_message").text(outcome.error_message).key("label").text(outcome.label);
  out.key("main_face").number(outcome.main_face).key("faces").begin_array();
  for (const Face& face : outcome.faces) write_face(out, face);
  out.end_array().key("width").number(outcome.width).key("height").number(outcome.height);
  out.key("rotation").number(outcome.rotation);
  if (!outcome.classes.empty()) {
    out.key("classes").begin_array();
    for (const Class& one : outcome.classes)
      out.begin_object().key("name").text(one.name).key("score").number(one.score).end_object();
    out.end_array();
  }
  out.key("model").text(outcome.model);
  out.key("gallery_version").number(outcome.gallery_version).key("stages").begin_array();
  for (const Stage& stage : outcome.stages)
    out.begin_object().key("name").text(stage.name).key("ms").rounded(stage.ms, 3).end_object();
  out.end_array().key("finished_ms").number(outcome.finished_ms).key("worker").text(outcome.worker);
  if (outcome.embedding) out.key("embedding").plain_text(base64(*outcome.embedding));
  if (outcome.chip_png) out.key("chip_png").plain_text(base64(*outcome.chip_png));
  return out.end_object().take();
}

Result<Outcome> decode_outcome(BytesView bytes) {
  return decode<Outcome>(bytes, "outcome", kOutcomeBytesMax, read_outcome);
}

}  // namespace facefleet::jobs
