// What the gateway's parts and endpoints share: one per gateway, kept alive by every coroutine that uses it.
// Thread rule: base/task.h.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "gallery/names.h"
#include "gateway/cached.h"
#include "gateway/enrolment.h"
#include "gateway/gateway.h"
#include "gateway/instruments.h"
#include "gateway/pending.h"
#include "gateway/presence.h"
#include "gateway/retention.h"
#include "gateway/tasks.h"
#include "jobs/job.h"

namespace facefleet::gateway {

// Answers received, for the throughput that people see and for the wait that is predicted.
class Meter {
 public:
  explicit Meter(const Clock& clock) : clock_(clock) {}

  void answered(const jobs::Outcome& outcome);
  std::uint64_t total() const { return total_; }
  double per_second() const;                         // over the last kWindowS whole seconds
  double service_ms() const { return service_ms_; }  // a worker's time for one photo, smoothed; 0: not known yet

 private:
  static constexpr std::int64_t kWindowS = 5;
  std::int64_t second() const { return clock_.wall_ms() / 1'000; }

  const Clock& clock_;
  struct Second {
    std::int64_t at = 0;
    std::uint64_t answers = 0;
  };
  std::array<Second, kWindowS + 1> seconds_{};
  std::uint64_t total_ = 0;
  double service_ms_ = 0;
};

// The state of the whole system, as GET /v1/status shows it.
struct SystemStatus {
  queue::Counts requests, responses, dead;
  std::vector<fleet::Instance> instances;  // without the terminated ones
  std::string autoscaler_json;             // what the autoscaler last said of itself; empty if nothing
};

struct Service : std::enable_shared_from_this<Service> {
  Service(const Executor& service_executor, Options service_options, Parts service_parts);

  // Opens the queues. Retried by the caller.
  Task<Result<void>> connect();
  bool is_connected() const { return requests && responses && dead; }
  Task<Result<std::shared_ptr<queue::Queue>>> open_response_queue();
  // Waits a while for connect() to succeed: a photo that comes as early as the gateway itself is not refused for that.
  Task<Result<void>> connected();

  const Executor executor;
  const Options options;
  const Parts parts;
  const jobs::Names names;
  std::vector<ApiKey> keys;      // at first those of the options
  bool had_keys = false;         // then the last one's removal opens nothing
  std::shared_ptr<Tasks> tasks;  // what drain() lets end before the answers stop
  std::shared_ptr<Tasks> loops;  // the answers' and the sweep's
  std::shared_ptr<queue::Queue> requests, responses, dead;
  Presence presence;
  Pending pending;
  Meter meter;
  Instruments instruments;
  std::shared_ptr<Retention> retention;
  std::shared_ptr<Enrolment> enrolment;
  std::shared_ptr<Cached<queue::Counts>> backlog;       // for admission; at most four looks a second
  std::shared_ptr<Cached<SystemStatus>> system_status;  // for pages and `facefleet status`
  std::string model;                                    // the embedder that the last answer came from; empty: none yet
  std::string hidden_fleet;                             // why the fleet cannot be shown, as last logged
  bool ready = false;                                   // a worker has recognised the bundled picture
  bool draining = false;
};

}  // namespace facefleet::gateway
