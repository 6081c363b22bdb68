// The contract between gateway and worker: what a message on the request queue says, what an outcome
// holds, and their bytes (JSON, versioned by `v`). Nobody else knows what a message body means.
// Pure values and functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::jobs {

enum class Kind {
  kRecognise,  // who is in the photo
  kClassify,   // what is in the picture
  kEmbed,      // the main face's embedding and chip, for enrolment; nothing is searched, nothing enters the views
};

std::string_view to_string(Kind kind);  // "recognise", "classify", "embed"

// A message of the request queue. Encoded it is at most kMessageBytesMax, whatever the photo's name; with the photo
// itself in it, as some earlier systems had it, at most kInlineMessageBytesMax.
struct Job {
  std::string id;  // base/ids.h
  Kind kind = Kind::kRecognise;
  std::string name;  // the uploaded file's name, for people and for the views; may be empty
  std::string gallery = "default";
  // A version of the gallery that was the newest when the photo was accepted, or a newer one: it is searched in this
  // one or a later one. Below 0: not known, so the worker looks for the newest.
  std::int64_t gallery_version = -1;
  std::string reply_to;           // the queue that its answer goes to
  bool views = false;             // keep the earlier systems' out-bucket view (stem -> label)
  std::uint32_t matches_max = 5;  // persons a face, or classes
  std::int64_t accepted_ms = 0;
  bool again = false;  // it was sent before, perhaps by another gateway: its outcome may be there already
  Bytes photo;         // empty: it lies under photo_key(id)
};
inline constexpr std::size_t kMessageBytesMax = 1'024;
inline constexpr std::size_t kInlineMessageBytesMax = 1'048'576;  // SQS's own limit

struct Point {
  float x = 0, y = 0;  // pixels of the upright photo
};

struct Box {
  float x = 0, y = 0, width = 0, height = 0;  // pixels of the upright photo; may reach past its edges
};

struct Match {
  std::string person;
  float similarity = 0;  // cosine, −1 to 1
  bool above_threshold = false;
};

struct Face {
  Box box;
  std::array<Point, 5> landmarks{};  // right eye, left eye, nose, right and left mouth corner (the person's right)
  float score = 0;                   // the detector's, 0 to 1
  std::string label;                 // the best match's person, or "unknown"
  std::vector<Match> matches;        // best first, one a person
};

struct Class {
  std::string name;
  float score = 0;  // 0 to 1; of all classes that the model knows together 1
};

struct Stage {
  std::string name;  // "decode", "detect", …
  double ms = 0;
};

inline constexpr std::string_view kUnknown = "unknown";
inline constexpr std::string_view kNoFace = "no face";

struct Outcome {
  std::string job_id;
  Kind kind = Kind::kRecognise;
  std::string name;
  std::string gallery = "default";
  // Empty: recognised, or classified. Else why the photo could not be, machine-readable (`not_an_image`, `truncated`,
  // `too_many_pixels`, `poison`, `photo_missing`, …) with a sentence in `error_message`.
  std::string error_reason;
  std::string error_message;
  std::string label;            // of the main face: a person, "unknown" or "no face"; kClassify: the likeliest class
  std::int32_t main_face = -1;  // index into faces; −1: no face
  std::vector<Face> faces;
  std::int32_t width = 0, height = 0;  // of the upright photo
  std::int32_t rotation = 0;           // degrees clockwise by which the photo was turned to find a face
  std::vector<Class> classes;          // kClassify only: best first
  std::string model;                   // embedder or classifier, with version: "sface@0ba9fbfa"
  std::int64_t gallery_version = 0;
  std::vector<Stage> stages;
  std::int64_t finished_ms = 0;
  std::string worker;  // instance id
  // kEmbed only: raw little-endian float32 of the main face, and its 112x112 chip as a PNG.
  std::optional<Bytes> embedding;
  std::optional<Bytes> chip_png;
};

// Without a photo at most kMessageBytesMax, as long as gallery and reply_to keep their own limits: a name that would
// not fit is shortened at a UTF-8 boundary (the photo's key does not depend on it). Bytes of a text that are not UTF-8
// become U+FFFD.
Bytes encode(const Job& job);
// kInvalidInput, with reason `malformed_job` or `job_version`.
Result<Job> decode_job(BytesView bytes);

// The stored form of an outcome, and the body of an answer on a response queue. A number that is not finite becomes 0.
Bytes encode(const Outcome& outcome);
// kInvalidInput, with reason `malformed_outcome` or `outcome_version`.
Result<Outcome> decode_outcome(BytesView bytes);

// Outcome::error_reason of a photo that ended every worker which tried it: kept, for people to look at.
inline constexpr std::string_view kPoison = "poison";

// Where things lie in the private bucket.
inline constexpr std::string_view kPhotoPrefix = "photos/";
inline constexpr std::string_view kOutcomePrefix = "outcomes/";
inline constexpr std::string_view kReusePrefix = "reuse/";
std::string photo_key(std::string_view job_id);    // photos/<job id>
std::string outcome_key(std::string_view job_id);  // outcomes/<job id>
// The autoscaler's latest decision, for the page and `facefleet status`: {"policy", "target", "reason", "at_ms", …}.
inline constexpr std::string_view kAutoscalerStatusKey = "status/autoscaler.json";
// reuse/<sha256>-<gallery>: the newest outcome of these very bytes, where a profile reuses outcomes.
std::string reuse_key(std::string_view photo_sha256_hex, std::string_view gallery);

// `test_001.final.jpg` -> `test_001`: up to the first dot; the whole name if it begins with one.
std::string_view stem(std::string_view name);

// How a system's queues and buckets are called; `{id}` stands for the system's id.
struct NameForms {
  std::string request_queue = "{id}-req-queue";
  std::string response_queue = "{id}-resp-queue";
  std::string in_bucket = "{id}-in-bucket";
  std::string out_bucket = "{id}-out-bucket";
};

// Names of queues and buckets of a system `id`.
struct Names {
  explicit Names(std::string_view id, const NameForms& forms = {});
  std::string request_queue;
  std::string response_queue;
  std::string dead_queue;      // <id>-dead-queue
  std::string in_bucket;       // the view "uploaded name -> photo"
  std::string out_bucket;      // the view "stem -> label"
  std::string job_bucket;      // <id>-jobs: photos/, outcomes/, idempotency/, reuse/
  std::string gallery_bucket;  // <id>-galleries
};

}  // namespace facefleet::jobs
