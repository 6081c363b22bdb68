// A photo's way in: read from the request, kept, made a job of, waited for. Thread rule: base/task.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/pending.h"
#include "gateway/routes.h"

namespace facefleet::gateway {

struct Upload {
  std::string name;  // the base name of what the client sent: valid UTF-8, no path; may be empty
  Bytes bytes;
};

// The photos of a request, at least one: file parts of a form, whatever their field names, or a body that is a photo.
// kInvalidInput with a reason: `empty`, `no_file`, `no_boundary`, `malformed_multipart`, `too_many_files`,
// `photo_too_large`, `bad_name`, `name_too_long`, `unsupported_content_type`. Takes the request's body.
Result<std::vector<Upload>> read_uploads(Call& call);

// What all photos of one request have in common.
struct Order {
  jobs::Kind kind = jobs::Kind::kRecognise;
  std::string gallery = "default";
  std::uint32_t matches_max = 5;
  bool views = false;
  bool keyed = false;  // under an Idempotency-Key: another try may have queued this very job, or will
  bool again = false;  // sent before, under the same Idempotency-Key
  bool waits = true;   // else the photo is kept even where photos travel in messages: its job can then be asked for
};

// kConflict with reason `kind_not_served` unless this system's workers do jobs of that kind.
Result<void> check_kind(const Service& service, jobs::Kind kind);

// The order that a request's query makes (`gallery`, `matches`; kClassify: `top`); kInvalidInput if it cannot be, or
// check_kind's error.
Result<Order> read_order(const Call& call, jobs::Kind kind);

// A photo that is accepted: its job is queued, or its answer known already.
struct Entry {
  std::string job_id;
  std::string name;
  std::unique_ptr<Pending::Ticket> ticket;
  Answer known;
};

// Accepts `uploads`: each is on disk and its job queued once this returns. With an Idempotency-Key that was seen
// before, the entries are those of the first time. The first job's id becomes the call's request id.
Task<Result<std::vector<Entry>>> submit(Call& call, std::vector<Upload> uploads, Order order);

// Keeps one photo and queues its job, whatever came before. For submit() and for the readiness check.
Task<Result<void>> keep_and_send(Service& service, const Order& order, const std::string& job_id, std::string name,
                                 Bytes bytes);

// The answer, at the latest when the profile's answer time-out has passed (kTimedOut).
Task<Result<Answer>> wait_for(Service& service, Entry& entry);

}  // namespace facefleet::gateway
