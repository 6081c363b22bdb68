#include "base/result.h"

namespace facefleet {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::kInvalidInput: return "invalid_input";
    case Code::kNotFound: return "not_found";
    case Code::kConflict: return "conflict";
    case Code::kDenied: return "denied";
    case Code::kBusy: return "busy";
    case Code::kUnavailable: return "unavailable";
    case Code::kTimedOut: return "timed_out";
    case Code::kCorrupt: return "corrupt";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

}  // namespace facefleet
