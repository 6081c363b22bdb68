// The HTTP tier: accepts photos, keeps them, enqueues jobs, matches answers to callers. Never runs a model.
// Start reading at routes.cc (the table of endpoints); an answer is matched to its caller in pending.cc.
// Thread rule: base/task.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/task.h"
#include "fleet/fleet.h"
#include "gallery/gallery.h"
#include "jobs/job.h"
#include "queue/queue.h"
#include "store/object_store.h"

namespace facefleet::gateway {

struct ModelCard {  // for /v1/models
  std::string name, role, version, licence, source, note;
};

struct ApiKey {
  std::string name;
  std::string sha256_hex;           // of the key; the key itself is nowhere on disk
  std::vector<std::string> scopes;  // "read", "recognise", "manage"

  friend bool operator==(const ApiKey&, const ApiKey&) = default;
};

struct Options {
  std::string system_id = "facefleet";
  jobs::Names names{"facefleet"};
  std::string listen_host = "127.0.0.1";
  std::uint16_t listen_port = 8000;
  bool open = false;                         // no key needed beyond loopback (course profiles)
  std::vector<ApiKey> keys;                  // empty: no key needed on loopback
  std::vector<std::string> hosts_allowed;    // further Host names, beside localhost and the listen address
  jobs::Kind kind = jobs::Kind::kRecognise;  // or kClassify: what this system's workers do
  // POST / without an Accept that decides: "text" (`stem:label`), "file", "label", "json_string", "json"
  std::string reply_form = "text";
  bool views = false;             // keep the earlier systems' in-bucket and out-bucket
  bool photo_in_message = false;  // the photo travels in the message, and is not kept in the private bucket
  std::uint32_t message_bytes_max = 1'048'576;  // of the request queue
  bool own_response_queue = false;              // one of several gateways, each with a response queue of its own
  Millis dead_after{300'000};                   // a gateway that gave no sign of life for so long is dead
  bool reuse = false;
  std::string photo_retention = "answered";  // or "keep"
  Millis outcome_retention{86'400'000};
  Millis answer_timeout{300'000};  // a waiting caller gets 504 after so long; the job goes on
  std::uint64_t photo_bytes_max = 20ull << 20;
  std::uint64_t body_bytes_max = 64ull << 20;
  std::uint32_t files_max = 100;             // files in one request
  std::uint64_t queue_length_max = 100'000;  // 429 beyond it
  Millis wait_max{120'000};                  // 429 when the predicted wait is longer
  std::string version;
  std::string profile;
  std::vector<ModelCard> models;
};

struct Parts {
  queue::Queues& queues;
  store::ObjectStore& store;
  gallery::Galleries& galleries;
  fleet::Fleet& fleet;  // read only
  const Clock& clock;
  Random& random;
  Log log;
};

class Gateway {
 public:
  // Listens at once (kConflict if the port is taken); kInvalidInput if it would be open beyond loopback.
  static Result<std::unique_ptr<Gateway>> open(const Executor& executor, Options options, Parts parts);
  virtual ~Gateway() = default;
  virtual std::uint16_t port() const = 0;
  // From now on these count, and no others. Where there were some, none lets nobody in; a gateway on loopback that
  // never had any asks for none.
  virtual void set_keys(std::vector<ApiKey> keys) = 0;
  // Serves until drain(): receives answers, deletes what retention says, runs the readiness check. The gateway must
  // outlive it.
  virtual Task<Result<void>> run() = 0;
  // Refuses new photos (503), lets waiting callers have their answers until `deadline`, then closes.
  virtual Task<> drain(MonoTime deadline) = 0;
};

}  // namespace facefleet::gateway
