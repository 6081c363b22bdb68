// Lets calls that are made while another is on its way travel together.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::queue {

// At most `entries_max` entries and `bytes_max` bytes go in one batch. An entry that finds nothing on its way is sent
// at once; others wait until a batch is full or the one on its way has been answered, so that the slower the service,
// the fuller the batches. Up to `batches_max` are on their way together.
//
// A caller that is cancelled stops waiting; its entry still goes. Thread rule: base/task.h.
template <class Entry, class Answer>
class Coalescer : public std::enable_shared_from_this<Coalescer<Entry, Answer>> {
 public:
  // Sends entries and returns as many answers, in their order.
  using Send = std::function<Task<std::vector<Answer>>(std::vector<Entry>)>;
  using Size = std::size_t (*)(const Entry&);

  struct Limits {
    std::size_t entries_max = 10;
    std::size_t bytes_max = SIZE_MAX;
    std::size_t batches_max = 1;
  };

  Coalescer(Send send, Size size, Limits limits) : send_(std::move(send)), size_(size), limits_(limits) {}

  // The answers to `entries`, in their order.
  Task<std::vector<Answer>> submit(std::vector<Entry> entries) {
    const Executor executor = co_await asio::this_coro::executor;
    const auto self = this->shared_from_this();
    std::vector<std::shared_ptr<Waiting>> mine;
    mine.reserve(entries.size());
    for (Entry& entry : entries) {
      waiting_bytes_ += size_(entry);
      waiting_.push_back(mine.emplace_back(std::make_shared<Waiting>(executor, std::move(entry))));
    }
    dispatch(executor);
    std::vector<Answer> answers;
    answers.reserve(mine.size());
    for (const auto& waiting : mine) {
      auto answer = co_await waiting->answer.wait_until(MonoTime::max());
      answers.push_back(std::move(*answer));
    }
    co_return answers;
  }

 private:
  struct Waiting {
    Waiting(const Executor& executor, Entry waiting_entry) : entry(std::move(waiting_entry)), answer(executor) {}
    Entry entry;
    OneShot<Answer> answer;
  };
  using Batch = std::vector<std::shared_ptr<Waiting>>;

  bool is_full() const { return waiting_.size() >= limits_.entries_max || waiting_bytes_ >= limits_.bytes_max; }

  void dispatch(const Executor& executor) {
    while (!waiting_.empty() && (in_flight_ == 0 || (is_full() && in_flight_ < limits_.batches_max))) {
      ++in_flight_;
      asio::co_spawn(executor, run(this->shared_from_this(), take_batch()), asio::detached);
    }
  }

  Batch take_batch() {
    Batch batch;
    std::size_t bytes = 0;
    while (!waiting_.empty() && batch.size() < limits_.entries_max) {
      const std::size_t size = size_(waiting_.front()->entry);
      if (!batch.empty() && bytes + size > limits_.bytes_max) break;
      bytes += size;
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    waiting_bytes_ -= bytes;
    return batch;
  }

  // Belongs to no caller, so that none of them can cancel what the others sent.
  static Task<> run(std::shared_ptr<Coalescer> self, Batch batch) {
    std::vector<Entry> entries;
    entries.reserve(batch.size());
    for (const auto& waiting : batch) entries.push_back(std::move(waiting->entry));
    std::vector<Answer> answers;
    try {
      answers = co_await self->send_(std::move(entries));
    } catch (const std::exception& broken) {
      answers.assign(batch.size(), Answer(Error{Code::kInternal, broken.what(), "exception"}));
    }
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->answer.set(std::move(answers[i]));
    --self->in_flight_;
    const Executor executor = co_await asio::this_coro::executor;
    self->dispatch(executor);
  }

  const Send send_;
  const Size size_;
  const Limits limits_;
  std::deque<std::shared_ptr<Waiting>> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::size_t in_flight_ = 0;
};

}  // namespace facefleet::queue
