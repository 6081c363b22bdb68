// The keys that a process signs with: fetched once for all who wait, renewed before they end, and once more where a
// service refuses them. Where they come from is credential_sources.h's.
// Thread rule: base/task.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::aws {

// What a source gives.
struct Granted {
  Credentials credentials;
  std::optional<std::int64_t> expires_ms;  // wall clock; nothing: the source knows of no end
  std::string origin;                      // for people: "the environment"
};

using CredentialSource = std::function<Task<Result<Granted>>()>;

class SharedCredentials {
 public:
  // Always the same ones.
  static std::shared_ptr<SharedCredentials> fixed(Credentials credentials);
  // What `source` gives. `first`: what it gave already. In the last 15 minutes it is asked again while the old ones are
  // used, in the last one every call waits for the new; should it fail, the old ones are used to their end.
  static std::shared_ptr<SharedCredentials> open(const Executor& executor, CredentialSource source,
                                                 std::optional<Granted> first, const Clock& clock, Random& random,
                                                 Log log);
  virtual ~SharedCredentials() = default;

  // The keys to sign with, until the caller next suspends; null: wait for them with get().
  virtual const Credentials* current() = 0;

  // kTimedOut at `deadline`; else the source's own error. One that has just failed is not asked at once again.
  virtual Task<Result<Credentials>> get(MonoTime deadline) = 0;

  // Changes with the keys.
  virtual std::uint64_t version() const = 0;

  // After a service refused the keys of version `refused`: whether there are others now. The source is asked for them,
  // though not every time that a service refuses what it gives.
  virtual Task<bool> renew(std::uint64_t refused, MonoTime deadline) = 0;

  // Where the keys come from, for people.
  virtual std::string origin() const = 0;
};

}  // namespace facefleet::aws
