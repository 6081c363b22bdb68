#include "worker/vision_thread.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace facefleet::worker {
namespace {

template <class Opened>
Result<Models> as_models(Result<Opened> opened) {
  if (!opened) return opened.error();
  return Models(std::move(*opened));
}

Result<Models> open_models(const ModelOptions& options) {
  if (const auto* pipeline = std::get_if<vision::PipelineOptions>(&options))
    return as_models(vision::Pipeline::open(*pipeline));
  return as_models(vision::Classifier::open(std::get<vision::ClassifierOptions>(options)));
}

class OwnedThread final : public VisionThread {
 public:
  OwnedThread(const Executor& executor, ModelOptions options)
      : executor_(executor), thread_([this, options = std::move(options)] { serve(options); }) {}

  ~OwnedThread() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  Task<Result<void>> ready() override {
    return run([](Models&) {});
  }

  Task<Result<void>> run(std::function<void(Models&)> work) override {
    auto done = std::make_shared<OneShot<Result<void>>>(executor_);
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back({std::move(work), done});
    }
    changed_.notify_one();
    auto result = co_await done->wait_until(MonoTime::max());
    co_return std::move(*result);
  }

 private:
  struct Item {
    std::function<void(Models&)> work;
    std::shared_ptr<OneShot<Result<void>>> done;
  };

  void serve(const ModelOptions& options) {
    pthread_setname_np(pthread_self(), "vision");
    auto models = open_models(options);
    for (;;) {
      Item item;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_) return;
        item = std::move(waiting_.front());
        waiting_.pop_front();
      }
      Result<void> result;
      if (models) {
        item.work(*models);
      } else {
        result = models.error();
      }
      item.work = nullptr;  // what it owns is released on this thread, before the waiter goes on
      asio::post(executor_,
                 [done = std::move(item.done), result = std::move(result)]() mutable { done->set(std::move(result)); });
    }
  }

  Executor executor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> waiting_;  // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
  std::thread thread_;        // last: it uses all of the above
};

}  // namespace

std::unique_ptr<VisionThread> VisionThread::start(const Executor& executor, ModelOptions options) {
  return std::make_unique<OwnedThread>(executor, std::move(options));
}

}  // namespace facefleet::worker
