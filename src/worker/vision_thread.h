// The thread that owns the neural networks, so that the I/O thread never waits for a neural network.
#pragma once

#include <functional>
#include <memory>
#include <variant>

#include "base/result.h"
#include "base/task.h"
#include "vision/classifier.h"
#include "vision/pipeline.h"

namespace facefleet::worker {

// What finds faces, or what names pictures: a worker does one kind of job and loads the networks of that kind alone.
using ModelOptions = std::variant<vision::PipelineOptions, vision::ClassifierOptions>;
using Models = std::variant<std::unique_ptr<vision::Pipeline>, std::unique_ptr<vision::Classifier>>;

class VisionThread {
 public:
  // Starts the thread, which opens the models at once. `executor` is the I/O thread's.
  static std::unique_ptr<VisionThread> start(const Executor& executor, ModelOptions options);
  virtual ~VisionThread() = default;  // finishes the work in hand, drops the rest, joins

  // Whether the models could be opened; waits for it.
  virtual Task<Result<void>> ready() = 0;

  // Runs `work` on the thread, after what was asked before, and returns when it is done. `work` must not throw and
  // must own what it touches. Fails with ready()'s error if there are no models. Not cancellable.
  virtual Task<Result<void>> run(std::function<void(Models&)> work) = 0;
};

}  // namespace facefleet::worker
