// The thread that owns the pipeline, so that the I/O thread never waits for a neural network.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/task.h"
#include "vision/pipeline.h"

namespace facefleet::worker {

class VisionThread {
 public:
  // Starts the thread, which opens the pipeline at once. `executor` is the I/O thread's.
  static std::unique_ptr<VisionThread> start(const Executor& executor, vision::PipelineOptions options);
  virtual ~VisionThread() = default;  // finishes the work in hand, drops the rest, joins

  // Whether the pipeline could be opened; waits for it.
  virtual Task<Result<void>> ready() = 0;

  // Runs `work` on the thread, after what was asked before, and returns when it is done. `work` must not throw and
  // must own what it touches. Fails with ready()'s error if there is no pipeline. Not cancellable.
  virtual Task<Result<void>> run(std::function<void(vision::Pipeline&)> work) = 0;
};

}  // namespace facefleet::worker
