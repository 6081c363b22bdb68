// Photos and records go when the profile says so. Thread rule: base/task.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/tasks.h"
#include "jobs/job.h"

namespace facefleet::gateway {

class Retention : public std::enable_shared_from_this<Retention> {
 public:
  Retention(Executor executor, const Options& options, const Parts& parts, std::shared_ptr<Tasks> tasks);

  // The photo of an answered job is needed no more: it is deleted within a moment, together with others. It stays where
  // the profile keeps photos, and where it ended its workers, for whoever finds its job in the dead-letter queue.
  void answered(const jobs::Outcome& outcome);
  // Deletes an object of the private bucket in the same way, whatever the profile says.
  void forget(std::string key);

  // Deletes at once what is waiting to be deleted.
  Task<> flush();

  // Deletes the photos of jobs that were answered while no gateway ran, photos that no job can name any more, and
  // outcomes and records older than the profile keeps them.
  Task<Result<void>> sweep();

 private:
  static Task<> flush_soon(std::shared_ptr<Retention> self);
  Task<Result<void>> sweep_photos();
  Task<Result<void>> sweep_older(std::string_view prefix, bool sorted_by_time);

  Executor executor_;
  const Clock& clock_;
  store::ObjectStore& store_;
  Log log_;
  std::string bucket_;
  bool keeps_photos_;
  Millis outcome_retention_;
  std::shared_ptr<Tasks> tasks_;
  std::vector<std::string> waiting_;
  bool flush_planned_ = false;
};

}  // namespace facefleet::gateway
