#include "worker/worker.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "worker/outcomes.h"
#include "worker/patience.h"
#include "worker/recognise.h"
#include "worker/vision_thread.h"

namespace facefleet::worker {
namespace {

using fleet::WorkerState;

constexpr std::size_t kFinishing = 8;  // computed jobs at most that take no slot

double elapsed_ms(MonoTime since, const Clock& clock) {
  return std::chrono::duration<double, std::milli>(clock.now() - since).count();
}

// A lesson's job is as slow as those who watch need it. On the vision thread, so that one follows the other.
void last_until(std::chrono::steady_clock::time_point until, jobs::Outcome& outcome) {
  const auto left = until - std::chrono::steady_clock::now();
  if (left <= left.zero()) return;
  std::this_thread::sleep_for(left);
  outcome.stages.push_back({"lesson", std::chrono::duration<double, std::milli>(left).count()});
}

jobs::Outcome compute_outcome(const jobs::Job& job, BytesView photo, const gallery::Snapshot* gallery, Models& models,
                              float threshold) {
  const bool classifies = std::holds_alternative<std::unique_ptr<vision::Classifier>>(models);
  if (classifies != (job.kind == jobs::Kind::kClassify))
    return failed(job, "kind_not_served",
                  "this system's workers have no models for jobs of the kind " + std::string(to_string(job.kind)) +
                      "; its profile says which with jobs.kind");
  if (classifies) return classify(job, photo, *std::get<std::unique_ptr<vision::Classifier>>(models));
  auto& pipeline = *std::get<std::unique_ptr<vision::Pipeline>>(models);
  return recognise(job, photo, gallery, pipeline, threshold > 0 ? threshold : pipeline.threshold());
}

// Where the second delivery is the last, what was leased beside poison would be buried with it: nothing is.
Options settled(Options options) {
  if (options.receives_max <= 2) options.prefetch = 0;
  return options;
}

class QueueWorker final : public Worker {
 public:
  QueueWorker(Options options, Parts parts)
      : options_(settled(std::move(options))),
        parts_(std::move(parts)),
        names_(options_.names),
        patience_(options_.retry_pause, options_.patience, parts_.clock, parts_.log),
        outcomes_(options_, parts_, patience_) {}

  Task<Result<void>> run() override {
    executor_ = co_await asio::this_coro::executor;
    changed_.emplace(executor_);
    vision_ = VisionThread::start(executor_, parts_.models);
    parts_.self.report(WorkerState::kStarting, 0);
    auto requests = co_await parts_.queues.open(names_.request_queue);
    if (!requests) co_return requests.error();
    requests_ = *requests;
    // Nothing is leased before the models are loaded: a worker that ends while it starts must not count as a delivery
    // of a job that it never looked at.
    auto ready = co_await vision_->ready();
    if (!ready) co_return ready.error();
    parts_.log.info("ready", {{"pid", static_cast<int>(::getpid())}});
    report_state();
    asio::co_spawn(executor_, keep_leases(), asio::detached);
    while (!draining_) {
      co_await wait_for_slot();
      if (draining_) break;
      co_await receive_some();
    }
    parts_.self.report(WorkerState::kDraining, jobs_done_);
    while (!open_.empty()) co_await wait_for_change();
    ended_ = true;
    co_return Result<void>();
  }

  void drain() override {
    if (std::exchange(draining_, true)) return;
    parts_.self.report(WorkerState::kDraining, jobs_done_);
    if (options_.drops_ask) receive_stop_.emit(asio::cancellation_type::terminal);
    patience_.end();
    notify();
  }

 private:
  struct Leased {
    queue::Message message;
    MonoTime leased_at;
    bool begun = false;     // the vision thread has it, or had it
    bool computed = false;  // the vision thread had it: what is left is to store, answer and remove
  };

  // Wakes whoever waits for a slot or for the last job.
  void notify() {
    if (changed_) changed_->cancel();
  }

  Task<> wait_for_change() {
    changed_->expires_after(std::chrono::seconds(1));
    boost::system::error_code ignored;
    co_await changed_->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  // Jobs that take a slot. One whose outcome is on its way to the disk takes none, so that the vision thread does not
  // wait for an fsync; but a worker that handles one message at a time (prefetch 0) finishes it first.
  std::size_t taken() const {
    if (options_.prefetch == 0) return open_.size();
    const auto computed = std::ranges::count_if(open_, [](const auto& job) { return job.second.computed; });
    return open_.size() - std::min(static_cast<std::size_t>(computed), kFinishing);
  }

  Task<> wait_for_slot() {
    while ((taken() > options_.prefetch || holds_suspect()) && !draining_) co_await wait_for_change();
  }

  // A job that was received before may be what ended its last worker, and what is leased beside it would be received
  // once more when it ends this one. So it is in work alone. For the same reason messages are taken one by one: two
  // that one worker left behind would else come to the next one together.
  static bool is_suspect(const Leased& leased) { return leased.message.receive_count > 1; }
  bool holds_suspect() const {
    return std::ranges::any_of(open_, [](const auto& job) { return is_suspect(job.second); });
  }

  // A lease is extended while its job is in work, so that a slow store or a large photo is no reason for a second
  // delivery.
  Task<> keep_leases() {
    while (!ended_) {
      co_await sleep_for(options_.lease / 3);
      std::vector<std::string> due;
      for (const auto& [number, leased] : open_)
        if (parts_.clock.now() - leased.leased_at > options_.lease / 4) due.push_back(leased.message.receipt);
      for (auto& receipt : due) {
        auto extended = co_await requests_->extend(std::move(receipt), options_.lease);
        if (!extended) parts_.log.warn("cannot extend a lease", {{"why", extended.error().message}});
      }
    }
  }

  Task<> receive_some() {
    queue::Receive request;
    request.wait = wait_for_a_job();
    request.lease = options_.lease;
    request.consumer = parts_.self.instance_id();
    auto received = std::make_shared<OneShot<Result<std::vector<queue::Message>>>>(executor_);
    asio::co_spawn(
        executor_, requests_->receive(std::move(request)),
        asio::bind_cancellation_slot(
            receive_stop_.slot(), [received](std::exception_ptr stopped, Result<std::vector<queue::Message>> messages) {
              if (stopped) messages = std::vector<queue::Message>();
              received->set(std::move(messages));
            }));
    auto messages = co_await received->wait_until(std::chrono::steady_clock::now() + options_.receive_wait +
                                                  std::chrono::minutes(1));
    if (!messages) co_return;
    if (!*messages) {
      parts_.log.warn("cannot receive", {{"why", messages->error().message}});
      co_await patience_.pause(options_.retry_pause);
      co_return;
    }
    for (auto& message : **messages) {
      const std::uint64_t number = next_number_++;
      const auto leased = open_.emplace(number, Leased{std::move(message), parts_.clock.now()}).first;
      report_state();
      while (is_suspect(leased->second) && open_.size() > 1 && !draining_) co_await wait_for_change();
      asio::co_spawn(executor_, work(number), asio::detached);
    }
    if (!(*messages)->empty()) co_return;
    if (is_idle_for_good()) co_return co_await end_instance();
    co_await patience_.pause(options_.idle_poll);
  }

  // How long to ask for a job; notes since when there has been none.
  Millis wait_for_a_job() {
    if (!open_.empty()) idle_since_.reset();
    if (open_.empty() && !idle_since_) idle_since_ = parts_.clock.now();
    const Millis wait = options_.idle_poll > Millis(0) ? Millis(0) : options_.receive_wait;
    if (options_.ends_itself == Millis(0)) return wait;
    const auto idle = idle_since_ ? parts_.clock.now() - *idle_since_ : MonoTime::duration(0);
    const auto left = std::chrono::ceil<Millis>(options_.ends_itself - idle);
    return std::clamp(left, Millis(0), wait);
  }

  // Asked after a look at the queue that found nothing, so that the last thing before the end is such a look.
  bool is_idle_for_good() const {
    return options_.ends_itself > Millis(0) && parts_.end_instance && !draining_ && open_.empty() && idle_since_ &&
           parts_.clock.now() - *idle_since_ >= options_.ends_itself;
  }

  Task<> end_instance() {
    parts_.log.info("no job for long; ending this instance", {{"instance", parts_.self.instance_id()}});
    const auto ended = co_await parts_.end_instance();
    if (ended) co_return drain();
    parts_.log.warn("cannot end this instance", {{"why", ended.error().message}});
    idle_since_.reset();  // again after as long
  }

  void report_state() {
    if (draining_) return;
    parts_.self.report(open_.empty() ? WorkerState::kIdle : WorkerState::kBusy, jobs_done_);
  }

  // One message, from lease to removal. A step that fails for good, or while the worker leaves, gives it back. Where
  // the next delivery would be called poison, a failure that did not end its worker is told to the caller as what it
  // is.
  Task<> work(std::uint64_t number) {
    const Leased leased = open_.at(number);  // a copy: open_ may rehash while this waits
    auto done = co_await handle(number, leased);
    if (!done && !draining_ && leased.message.receive_count + 1 >= options_.receives_max) {
      parts_.log.error("job failed", {{"message", leased.message.id}, {"why", done.error().message}});
      const auto job = jobs::decode_job(leased.message.body);
      if (job) done = co_await outcomes_.answer_failure(*job);
    }
    if (done) {
      const auto remove = [&] { return requests_->remove(leased.message.receipt); };
      auto removed = co_await patience_.ask(remove);
      if (!removed) parts_.log.warn("cannot remove a message", {{"why", removed.error().message}});
      ++jobs_done_;
    } else {
      parts_.log.warn("job given back", {{"message", leased.message.id}, {"why", done.error().message}});
      auto returned = co_await requests_->extend(leased.message.receipt, draining_ ? Millis(0) : Millis(1'000));
      if (!returned) parts_.log.debug("lease ends by itself", {{"why", returned.error().message}});
    }
    open_.erase(number);
    report_state();
    notify();
  }

  Task<Result<void>> handle(std::uint64_t number, const Leased& leased) {
    auto job = jobs::decode_job(leased.message.body);
    if (!job) {
      parts_.log.error("not a job; moved to the dead-letter queue",
                       {{"message", leased.message.id}, {"why", job.error().message}});
      co_return co_await outcomes_.bury(leased.message.body);
    }
    if (leased.message.receive_count >= options_.receives_max)
      co_return co_await outcomes_.give_up(*job, leased.message.body);
    if (job->again) {
      auto answered = co_await outcomes_.answer_again(*job, job->photo);
      if (!answered) co_return answered.error();
      if (*answered) co_return Result<void>();
    }
    const MonoTime fetch_began = parts_.clock.now();
    auto bytes = std::make_shared<Bytes>(std::move(job->photo));
    if (bytes->empty()) {
      auto photo = co_await outcomes_.get(jobs::photo_key(job->id));
      if (!photo && photo.error().code == Code::kNotFound) co_return co_await outcomes_.answer_without_photo(*job);
      if (!photo) co_return photo.error();
      *bytes = std::move(photo->body);
    }
    Millis max_age = job->gallery_version < 0 ? Millis(0) : options_.gallery_max_age;
    for (;;) {
      auto computed = co_await compute(number, *job, bytes, max_age);
      if (!computed) co_return computed.error();
      auto& stages = computed->outcome.stages;
      stages.insert(stages.begin(),
                    {"fetch", std::chrono::duration<double, std::milli>(computed->fetched - fetch_began).count()});
      stages.insert(
          stages.begin(),
          {"queue", static_cast<double>(std::max<std::int64_t>(0, parts_.clock.wall_ms() - job->accepted_ms)) -
                        elapsed_ms(leased.leased_at, parts_.clock)});
      auto finished = co_await outcomes_.finish(*job, std::move(computed->outcome), computed->looked, *bytes);
      if (!finished) co_return finished.error();
      if (*finished) co_return Result<void>();
      max_age = Millis(0);
    }
  }

  struct Computed {
    jobs::Outcome outcome;
    MonoTime looked;   // at its gallery: the version that was searched was still the newest then
    MonoTime fetched;  // all that it took
  };

  Task<Result<Computed>> compute(std::uint64_t number, const jobs::Job& job, std::shared_ptr<const Bytes> photo,
                                 Millis max_age) {
    const MonoTime looked = parts_.clock.now() - max_age;
    std::shared_ptr<const gallery::Snapshot> gallery;
    if (job.kind == jobs::Kind::kRecognise) {
      const auto look = [&] { return parts_.galleries.snapshot(job.gallery, max_age, job.gallery_version); };
      auto snapshot = co_await patience_.ask(look);
      if (!snapshot) co_return snapshot.error();
      gallery = std::move(*snapshot);
    }
    const MonoTime fetched = parts_.clock.now();
    if (draining_ && !open_.at(number).begun)
      co_return Error{Code::kUnavailable, "leaving before the job was begun", ""};
    open_.at(number).begun = true;

    auto outcome = std::make_shared<jobs::Outcome>();
    std::function<void(Models&)> work = [=, threshold = options_.threshold,
                                         service_min = options_.service_min](Models& models) {
      const auto until = std::chrono::steady_clock::now() + service_min;
      *outcome = compute_outcome(job, *photo, gallery.get(), models, threshold);
      if (job.kind != jobs::Kind::kEmbed) last_until(until, *outcome);
    };
    auto done = co_await vision_->run(std::move(work));
    if (!done) co_return done.error();
    open_.at(number).computed = true;
    notify();
    co_return Computed{std::move(*outcome), looked, fetched};
  }

  const Options options_;
  Parts parts_;
  const jobs::Names names_;
  Patience patience_;
  Outcomes outcomes_;
  Executor executor_;
  std::shared_ptr<queue::Queue> requests_;
  std::map<std::uint64_t, Leased> open_;  // jobs leased and not finished
  std::uint64_t next_number_ = 0;
  std::int64_t jobs_done_ = 0;
  std::optional<MonoTime> idle_since_;  // no job since then
  std::optional<asio::steady_timer> changed_;
  asio::cancellation_signal receive_stop_;
  bool draining_ = false;
  bool ended_ = false;
  std::unique_ptr<VisionThread> vision_;  // last: joined before anything that its work touches goes
};

}  // namespace

std::unique_ptr<Worker> Worker::create(Options options, Parts parts) {
  return std::make_unique<QueueWorker>(std::move(options), std::move(parts));
}

}  // namespace facefleet::worker
