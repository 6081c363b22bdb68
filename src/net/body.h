// Bodies that are more than bytes in memory. Thread rule: base/task.h.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::net {

// A body in pieces, so that one of any size passes through little memory.
class BodyPieces {
 public:
  virtual ~BodyPieces() = default;

  // The next bytes, which stay until the next call; none at the end. Of a request's body: kTimedOut or kUnavailable if
  // the rest does not come, kInvalidInput if it is malformed or too long. After a failure there is nothing more.
  virtual Task<Result<BytesView>> next() = 0;
};

// What a request's body counts among those that its server holds in memory (ServerOptions::bodies_bytes_max): from its
// arrival until its handler has ended, or until the handler says that the bytes are gone.
class HeldBody {
 public:
  virtual ~HeldBody() = default;

  // For a handler that goes on for long after it has put the bytes elsewhere. Again: nothing happens.
  virtual void release() = 0;
};

}  // namespace facefleet::net
