// The load generator: posts photos as a crowd of callers would, and keeps what came of it.
// Thread rule: base/task.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "load/photos.h"
#include "load/predictions.h"
#include "net/http.h"

namespace facefleet::load {

struct Options {
  net::Url url;
  std::uint32_t requests = 1;       // cycling through the photos in their order
  std::uint32_t concurrency = 1;    // callers, each with a request of its own under way
  std::string field = "inputFile";  // name of the multipart field
  Millis timeout{0};                // of one request; 0: a caller waits as long as it takes
  // When each request is begun, counted from the first moment, rising: as many as there are requests. Empty: each
  // caller begins its next one when it has its answer. A request that finds all callers waiting is begun late.
  std::vector<std::chrono::microseconds> arrivals;
};

enum class Verdict { kRight, kWrong, kUnchecked, kFailed };  // kUnchecked: no prediction for this photo

// One request's end, as it comes in. The views live until the callback returns.
struct Reply {
  std::string_view name;
  Verdict verdict = Verdict::kFailed;
  std::string_view label;     // what was answered; empty if it failed
  std::string_view expected;  // empty without a prediction
  std::string_view failure;   // why it failed
  std::uint32_t done = 0;     // replies so far, this one included
};
using OnReply = std::function<void(const Reply&)>;

// All that happened. Times are seconds since the first request was begun.
struct Outcome {
  std::uint32_t requests = 0, right = 0, wrong = 0, unchecked = 0, failed = 0;
  double begun_late_s = 0;           // where there are arrivals: the most that a request came behind its own
  double last_sent_s = 0;            // when the last request was begun: the end of the upload phase
  double first_answer_s = 0;         // the answer phase
  double last_answer_s = 0;          // failures included: when the run was over
  std::vector<double> latencies_ms;  // of the requests that were answered
};

// Sends `options.requests` photos (there is at least one) and returns once each has its answer or has failed.
Task<Outcome> run(Options options, const std::vector<Photo>& photos, const Predictions& predictions, const Clock& clock,
                  Random& random, OnReply on_reply);

}  // namespace facefleet::load
