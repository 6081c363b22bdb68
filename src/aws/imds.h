// What an instance asks the instance metadata service about itself: EC2's, or the local cloud's, which speaks the same.
// Version 2, with a token; a service that knows no tokens is asked without.
// Thread rule: base/task.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/environment.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::aws {

// The reason of a kUnavailable where somebody did answer, though not as the service does.
inline constexpr std::string_view kBadAnswer = "bad_answer";

struct Identity {
  std::string id;      // "i-0123456789abcdef0"
  std::string name;    // the tag Name; empty where the instance may not read its tags
  std::string region;  // "us-east-1"
};

// A notice that the instance's spot capacity ends.
struct SpotAction {
  std::string action;        // "terminate", "stop", "hibernate"
  std::int64_t time_ms = 0;  // wall clock: not before then
};

class Imds {
 public:
  // At `url`, http://host:port/path.
  static Result<std::unique_ptr<Imds>> open(const Executor& executor, const std::string& url, const Clock& clock);
  virtual ~Imds() = default;

  // What AWS_EC2_METADATA_SERVICE_ENDPOINT says, else EC2's own address, at which only an instance of EC2 finds anyone.
  static std::string url_from_environment(const Environment& environment = process_environment());

  // kUnavailable or kTimedOut where nobody answers: this machine is no instance.
  virtual Task<Result<Identity>> identity() = 0;

  // Nothing as long as there is no such notice. To be asked every 5 s, as AWS advises.
  virtual Task<Result<std::optional<SpotAction>>> spot_action() = 0;

  // The text at `path` below /latest/, "meta-data/instance-type". kNotFound if there is none.
  virtual Task<Result<std::string>> get(std::string path) = 0;
};

}  // namespace facefleet::aws
