// Who waits for which job: an answer is matched to its caller here, by job id and nothing else.
// Thread rule: base/task.h.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "jobs/job.h"

namespace facefleet::gateway {

using Answer = std::shared_ptr<const jobs::Outcome>;

class Pending {
 public:
  explicit Pending(Executor executor) : executor_(std::move(executor)) {}

  // One caller's place in the map; leaves it when destroyed. Several callers may wait for one job.
  class Ticket {
   public:
    Ticket(Pending& pending, std::string job_id);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    // The answer, or why there will be none; nothing once `until` has passed, and then it may be called again.
    Task<std::optional<Result<Answer>>> wait_until(MonoTime until) { return result_.wait_until(until); }

   private:
    friend class Pending;
    Pending& pending_;
    std::string job_id_;
    OneShot<Result<Answer>> result_;
  };

  // Take the ticket before the job is sent: an answer that nobody waits for is dropped.
  std::unique_ptr<Ticket> expect(std::string job_id) { return std::make_unique<Ticket>(*this, std::move(job_id)); }

  // Hands `result` to all who wait for `job_id`; returns whether somebody did.
  bool deliver(std::string_view job_id, const Result<Answer>& result);
  // Ends every wait with `error`.
  void fail_all(const Error& error);

  bool contains(std::string_view job_id) const { return tickets_.contains(job_id); }
  std::size_t waiters(std::string_view job_id) const { return tickets_.count(job_id); }
  std::size_t size() const { return tickets_.size(); }

 private:
  Executor executor_;
  std::multimap<std::string_view, Ticket*> tickets_;  // keys are the tickets' own
};

}  // namespace facefleet::gateway
