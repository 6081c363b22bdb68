// The loop that turns one message into one outcome: lease, fetch, analyse, search, store the outcome, answer, delete.
// Never answers the public.
//
// Two threads: the I/O thread runs everything that waits; the vision thread runs the pipeline, so that the next photo
// is fetched while this one is computed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/task.h"
#include "fleet/self.h"
#include "gallery/gallery.h"
#include "jobs/job.h"
#include "queue/queue.h"
#include "store/object_store.h"
#include "worker/vision_thread.h"

namespace facefleet::worker {

struct Options {
  jobs::Names names{"facefleet"};
  // Jobs leased beyond the one being computed; 0 in course profiles. None is asked for beside one that was received
  // before, which may be poison, and none where receives_max is 2. Each is asked for by itself.
  std::uint32_t prefetch = 1;
  Millis lease{30'000};
  Millis receive_wait{20'000};
  // A worker that leaves drops the ask that waits for a job. Where the queue would still hand a job to one that has
  // gone, for a whole lease, as SQS may, it waits for the ask to end and gives back what comes.
  bool drops_ask = true;
  Millis retry_pause{250};   // after a neighbour's failure; grows while it lasts
  Millis patience{600'000};  // with one thing that fails so, before the job is given back
  Millis idle_poll{0};       // how long a worker that found no job waits before it asks again; 0: the ask itself waits
  Millis ends_itself{0};     // a worker that has found no job for so long ends its own instance; 0: never
  // At this delivery a job is declared poison, not tried again; a failure that is seen at the one before is its answer.
  std::uint32_t receives_max = 5;
  // How long a version of a gallery is searched, unless a job asks for a newer one, before its manifest is looked at
  // again: a deleted person can be found in photos accepted before for so long at most.
  Millis gallery_max_age{limits::kGalleryLookMs};
  bool reuse = false;     // also keep the outcome under the photo's digest
  float threshold = 0;    // 0: the model card's
  Millis service_min{0};  // a lesson's: each job takes at least so long
};

struct Parts {
  queue::Queues& queues;
  store::ObjectStore& store;
  gallery::Galleries& galleries;
  ModelOptions models;  // opened on the vision thread before the first message is asked for
  fleet::Self& self;
  const Clock& clock;
  Log log;
  std::function<Task<Result<void>>()> end_instance = {};  // this worker's own, for Options::ends_itself
};

class Worker {
 public:
  static std::unique_ptr<Worker> create(Options options, Parts parts);
  virtual ~Worker() = default;  // joins the vision thread

  // Runs until drain() was called and the leased jobs are finished.
  virtual Task<Result<void>> run() = 0;

  // Takes nothing new; gives back what is leased and not begun; run() then ends.
  virtual void drain() = 0;
};

}  // namespace facefleet::worker
