#include "tools/pipeline_pool.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

namespace facefleet::tools {

Result<std::unique_ptr<PipelinePool>> PipelinePool::open(const vision::PipelineOptions& options, std::size_t threads) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  auto pool = std::make_unique<PipelinePool>();
  for (std::size_t i = 0; i < threads; ++i) {
    auto pipeline = vision::Pipeline::open(options);
    if (!pipeline) return pipeline.error();
    pool->pipelines_.push_back(std::move(*pipeline));
  }
  return pool;
}

void PipelinePool::run(std::size_t count, const vision::AnalyseOptions& options, const Read& read, const Done& done) {
  std::mutex mutex;
  std::size_t next = 0;  // guarded by mutex, as the calls of read and done are
  const auto work = [&](vision::Pipeline& pipeline) {
    std::unique_lock lock(mutex);
    while (next < count) {
      const std::size_t index = next++;
      const Result<Bytes> photo = read(index);
      lock.unlock();
      Result<vision::Analysis> analysis = photo ? pipeline.analyse(*photo, options) : photo.error();
      lock.lock();
      done(index, std::move(analysis));
    }
  };
  std::vector<std::jthread> threads;
  for (const auto& pipeline : pipelines_) threads.emplace_back([&] { work(*pipeline); });
}

}  // namespace facefleet::tools
