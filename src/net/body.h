// A body in pieces, so that one of any size passes through little memory. Thread rule: base/task.h.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::net {

class BodyPieces {
 public:
  virtual ~BodyPieces() = default;

  // The next bytes, which stay until the next call; none at the end. Of a request's body: kTimedOut or kUnavailable if
  // the rest does not come, kInvalidInput if it is malformed or too long. After a failure there is nothing more.
  virtual Task<Result<BytesView>> next() = 0;
};

}  // namespace facefleet::net
