// How a job ends: its outcome stored and copied, its caller answered, what is left of it buried. Thread rule:
// base/task.h.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "worker/patience.h"
#include "worker/worker.h"

namespace facefleet::worker {

class Outcomes {
 public:
  // All three must outlive it.
  Outcomes(const Options& options, const Parts& parts, Patience& patience)
      : options_(options), parts_(parts), names_(options.names), patience_(patience) {}

  // Store, then answer: what an answer promises is on disk. False: the outcome named somebody who has been deleted
  // since its gallery was `looked` at, and nothing of it stays. The deletion looks for outcomes once kErasureGraceMs
  // have passed, so those that are stored within that time of the look need none afterwards.
  Task<Result<bool>> finish(const jobs::Job& job, jobs::Outcome outcome, MonoTime looked, BytesView photo);

  // The job was finished before, by a worker that did not come to remove the message: its outcome stands. That worker
  // may not have come to the outcome's copies either, nor to the look whether all whom it names are still there.
  // False: no outcome stands. `photo` may be empty: not fetched yet.
  Task<Result<bool>> answer_again(const jobs::Job& job, BytesView photo);

  // The same for a job whose photo is gone; where no outcome stands, the caller is told to send it again.
  Task<Result<void>> answer_without_photo(const jobs::Job& job);

  // A job that has ended its workers so often would end the next one: it is answered, not tried again. The answer
  // comes first: whatever keeps a worker from its end, the queue itself moves the message to the dead-letter queue in
  // time, and answers nobody.
  Task<Result<void>> give_up(const jobs::Job& job, const Bytes& body);

  // Tells the caller that the photo is not to blame.
  Task<Result<void>> answer_failure(const jobs::Job& job);

  // Into the dead-letter queue, for people to look at.
  Task<Result<void>> bury(const Bytes& body);

  // Of the private bucket.
  Task<Result<store::Object>> get(std::string key);

 private:
  Task<Result<bool>> names_the_gone(const jobs::Outcome& outcome);
  Task<Result<bool>> forget_if_it_names_the_gone(const jobs::Job& job, const jobs::Outcome& outcome, BytesView photo);
  Task<Result<void>> keep_copies(const jobs::Job& job, const jobs::Outcome& outcome, const Bytes& encoded,
                                 BytesView photo, bool view);
  Task<Result<bool>> lacks_view_since(const jobs::Job& job, std::int64_t stored_ms);
  Task<Result<store::ObjectInfo>> put(std::string bucket, std::string key, Bytes body, store::Put options);
  Task<Result<void>> answer(const jobs::Job& job, Bytes encoded);
  Task<Result<void>> send_answer(const jobs::Job& job, Bytes encoded);
  Task<Result<void>> send_to_the_dead(const Bytes& body);

  const Options& options_;
  const Parts& parts_;
  const jobs::Names names_;
  Patience& patience_;
  std::map<std::string, std::shared_ptr<queue::Queue>, std::less<>> replies_;
};

}  // namespace facefleet::worker
