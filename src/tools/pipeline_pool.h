// Several pipelines, each on a thread of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vision/pipeline.h"

namespace facefleet::tools {

class PipelinePool {
 public:
  // `threads` 0: one a processor.
  static Result<std::unique_ptr<PipelinePool>> open(const vision::PipelineOptions& options, std::size_t threads);

  // Analyses photos 0 … count − 1; returns when all are done. `read` gives a photo's bytes and `done` takes what came
  // of it; both are called by one thread at a time, in no certain order. `read` may fail; `done` then has its error.
  using Read = std::function<Result<Bytes>(std::size_t index)>;
  using Done = std::function<void(std::size_t index, Result<vision::Analysis> analysis)>;
  void run(std::size_t count, const vision::AnalyseOptions& options, const Read& read, const Done& done);

  const vision::Pipeline& front() const { return *pipelines_.front(); }  // its versions and threshold are all theirs

 private:
  std::vector<std::unique_ptr<vision::Pipeline>> pipelines_;
};

}  // namespace facefleet::tools
