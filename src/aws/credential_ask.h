// A request to one who gives credentials: unsigned, and tried a few times.
// Thread rule: base/task.h.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"

namespace facefleet::aws {

struct Ask {
  std::string url;  // http://… or https://…; request.target is set from it
  net::HttpRequest request;
  std::string ca_file;    // as net::ClientOptions
  Millis timeout{5'000};  // of one try
  int tries = 3;
};

// The last answer, whatever its status; or why there was none. Tried again after failures of the server and of the
// connection.
Task<Result<net::HttpResponse>> ask(Ask what, Random& random);

}  // namespace facefleet::aws
