// Enrolment of many photos: resumable, with a verdict for each. Two ways lead into a gallery: through the API of a
// system that runs (enrol_remote.cc), or straight into the store of one that is down (enrol_local.cc).
// Thread rule: base/task.h.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "gallery/gallery.h"
#include "tools/api_client.h"
#include "tools/photo_source.h"
#include "tools/pipeline_pool.h"

namespace facefleet::tools {

inline constexpr float kFacePixelsMin = 20;  // smaller faces make templates that match strangers

struct Photo {
  std::string path;  // in its source
  std::string person;
  Bytes bytes;
  std::string sha256;  // of the bytes, 64 hex digits
};

enum class Status {
  kEnrolled,
  kPresent,   // the same photo of the same person was there before
  kRejected,  // for what it is; another try would end the same
  kFailed,    // for a reason of the system's
};
std::string_view to_string(Status status);  // "enrolled", "already_enrolled", "rejected", "failed"

struct Verdict {
  Status status = Status::kEnrolled;
  std::string reason;   // machine-readable, where rejected or failed: `no_face`, `not_an_image`, …
  std::string message;  // the same as a sentence
};

// A way into one gallery.
class Enroller {
 public:
  virtual ~Enroller() = default;
  virtual std::size_t batch_photos() const = 0;     // that one call takes
  virtual std::size_t batches_at_once() const = 0;  // calls under way together

  // A verdict for each photo, in order; what is called enrolled is on disk. An error ends the whole run.
  virtual Task<Result<std::vector<Verdict>>> enrol(std::vector<Photo> batch) = 0;
};

// `client` must outlive it.
std::unique_ptr<Enroller> open_remote_enroller(ApiClient& client, std::string gallery);

struct LocalEnrolment {
  gallery::Galleries& galleries;
  PipelinePool& pool;
  std::string gallery;
  bool keep_chips = true;
};
// While the pool computes, the calling thread waits: nothing else needs it in a system that is down.
std::unique_ptr<Enroller> open_local_enroller(LocalEnrolment parts);

struct Summary {
  std::size_t enrolled = 0, present = 0, failed = 0;
  std::map<std::string, std::size_t> rejected;  // by reason
  std::optional<Error> stopped;                 // why not all photos were tried

  // Something is in the gallery, and the system did all that it was asked.
  bool success() const { return enrolled + present > 0 && failed == 0 && !stopped; }
};

// Called once a photo's fate is known, in no certain order.
using Follow = std::function<void(const PhotoEntry& entry, const Verdict& verdict)>;

// Enrols all photos of `source`. One that nobody labels, that is no photo, or that came before under the same name is
// rejected here (`no_label`, `bad_person_name`, `duplicate`, …) and never sent.
Task<Summary> enrol_all(PhotoSource& source, Enroller& enroller, Follow follow);

// One line of JSON, for the report.
std::string to_json_line(const PhotoEntry& entry, const Verdict& verdict);

// A table for people.
std::string to_text(const Summary& summary);

}  // namespace facefleet::tools
