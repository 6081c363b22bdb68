#include "worker/worker.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <list>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "base/hash.h"
#include "base/limits.h"
#include "worker/recognise.h"
#include "worker/vision_thread.h"

namespace facefleet::worker {
namespace {

using fleet::WorkerState;

constexpr std::size_t kFinishing = 8;  // computed jobs at most that take no slot
constexpr int kRetryPauseGrowth = 16;  // a pause between two tries grows to so many times the first

// Whether what failed so may succeed later, whatever the job.
bool passes(Code code) { return code == Code::kUnavailable || code == Code::kTimedOut || code == Code::kBusy; }

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
      : options_(settled(std::move(options))), parts_(std::move(parts)), names_(options_.names) {}

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
    for (const auto& timer : pauses_) timer->cancel();
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
      co_await pause(options_.retry_pause);
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
    co_await pause(options_.idle_poll);
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

  // Waits so long, or until the worker is to leave.
  Task<> pause(Millis length) {
    if (draining_) co_return;
    const auto timer = std::make_shared<asio::steady_timer>(executor_, length);
    const auto place = pauses_.insert(pauses_.end(), timer);
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    pauses_.erase(place);
  }

  // Asks until it is answered: an outage passes, and the job stays leased meanwhile. Were it given back, each failure
  // would count as a delivery, and every photo of an outage would become poison. A worker that leaves does give back,
  // and so does one whose patience is at an end: what lasts so long may be this job's alone.
  template <class Ask>
  std::invoke_result_t<Ask> patiently(Ask ask) {
    const MonoTime end = parts_.clock.now() + options_.patience;
    for (Millis length = options_.retry_pause;;
         length = std::min(2 * length, kRetryPauseGrowth * options_.retry_pause)) {
      auto answered = co_await ask();
      if (answered || !passes(answered.error().code) || draining_ || parts_.clock.now() >= end) co_return answered;
      parts_.log.warn("a neighbour failed; trying again", {{"why", answered.error().message}});
      co_await pause(length);
    }
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
      done = co_await answer_failure(leased.message.body);
    }
    if (done) {
      const auto remove = [&] { return requests_->remove(leased.message.receipt); };
      auto removed = co_await patiently(remove);
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
      co_return co_await bury(leased.message.body);
    }
    if (leased.message.receive_count >= options_.receives_max) co_return co_await give_up(*job, leased.message.body);
    if (job->again) {
      auto answered = co_await answer_again(*job, job->photo);
      if (!answered) co_return answered.error();
      if (*answered) co_return Result<void>();
    }
    const MonoTime fetch_began = parts_.clock.now();
    auto bytes = std::make_shared<Bytes>(std::move(job->photo));
    if (bytes->empty()) {
      auto photo = co_await get(jobs::photo_key(job->id));
      if (!photo && photo.error().code == Code::kNotFound) co_return co_await answer_without_photo(*job);
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
      auto finished = co_await finish(*job, std::move(computed->outcome), computed->looked, *bytes);
      if (!finished) co_return finished.error();
      if (*finished) co_return Result<void>();
      max_age = Millis(0);
    }
  }

  Task<Result<void>> answer_failure(const Bytes& body) {
    const auto job = jobs::decode_job(body);
    if (!job) co_return job.error();
    auto failure =
        failed(*job, "not_recognised",
               "something that this service needs fails; the log of " + parts_.self.instance_id() + " says what");
    auto finished = co_await finish(*job, std::move(failure), parts_.clock.now(), {});
    if (!finished) co_return finished.error();
    if (!*finished) co_return Error{Code::kConflict, "an earlier outcome was just erased", ""};
    co_return Result<void>();
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
      auto snapshot = co_await patiently(look);
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

  // A job that has ended its workers this often would end the next one: it is answered, not tried again. The answer
  // comes first: whatever keeps a worker from its end, the queue itself moves the message to the dead-letter queue in
  // time, and answers nobody.
  Task<Result<void>> give_up(const jobs::Job& job, const Bytes& body) {
    auto earlier = co_await get(jobs::outcome_key(job.id));
    if (!earlier && earlier.error().code != Code::kNotFound) co_return earlier.error();
    if (earlier) {
      const auto stored = jobs::decode_outcome(earlier->body);
      const bool only_its_message_stayed = stored && stored->error_reason != jobs::kPoison;
      if (only_its_message_stayed) co_return co_await answer_without_photo(job);
    }
    auto poison = failed(job, std::string(jobs::kPoison),
                         "this photo ended every worker that tried it; it is kept in the dead-letter queue");
    auto finished = co_await finish(job, std::move(poison), parts_.clock.now(), {});
    if (!finished) co_return finished.error();
    if (!*finished) co_return Error{Code::kConflict, "an earlier outcome was just erased; to be answered anew", ""};
    co_return co_await bury(body);
  }

  // Store, then answer: what an answer promises is on disk. False: the outcome named somebody who has been deleted
  // since its gallery was `looked` at, and nothing of it stays. The deletion looks for outcomes once kErasureGraceMs
  // have passed, so those that are stored within that time of the look need none afterwards.
  Task<Result<bool>> finish(const jobs::Job& job, jobs::Outcome outcome, MonoTime looked, BytesView photo) {
    outcome.worker = parts_.self.instance_id();
    outcome.finished_ms = parts_.clock.wall_ms();
    Bytes encoded = jobs::encode(outcome);
    if (job.kind != jobs::Kind::kEmbed) {  // an enrolment's embedding is kept in its gallery and nowhere else
      const Millis grace(limits::kErasureGraceMs);
      const MonoTime now = parts_.clock.now();
      if (now - looked > grace / 2) {  // little of it is left
        looked = now;
        auto gone = co_await names_the_gone(outcome);
        if (!gone) co_return gone.error();
        if (*gone) co_return false;
      }
      store::Put once{.content_type = "application/json", .metadata = {}, .if_absent = true, .if_etag = {}};
      auto stored = co_await put(names_.job_bucket, jobs::outcome_key(job.id), encoded, once);
      if (!stored && stored.error().code == Code::kConflict) co_return co_await answer_again(job, photo);
      if (!stored) co_return stored.error();
      auto kept = co_await keep_copies(job, outcome, encoded, photo, job.views);
      if (!kept) co_return kept.error();
      if (parts_.clock.now() - looked > grace) {
        auto gone = co_await forget_if_it_names_the_gone(job, outcome, photo);
        if (!gone) co_return gone.error();
        if (*gone) co_return false;
      }
    }
    auto answered = co_await answer(job, std::move(encoded));
    if (!answered) co_return answered.error();
    co_return true;
  }

  // Whether the newest version of the outcome's gallery lacks somebody whom the outcome names.
  Task<Result<bool>> names_the_gone(const jobs::Outcome& outcome) {
    const auto names_somebody = [](const jobs::Face& face) { return !face.matches.empty(); };
    if (std::ranges::none_of(outcome.faces, names_somebody)) co_return false;
    const auto look = [&] { return parts_.galleries.snapshot(outcome.gallery, Millis(0)); };
    auto newest = co_await patiently(look);
    if (!newest) co_return newest.error();
    for (const jobs::Face& face : outcome.faces)
      for (const jobs::Match& match : face.matches)
        if ((*newest)->templates(match.person).empty()) co_return true;
    co_return false;
  }

  // As names_the_gone, of an outcome that is stored: if it does, it goes, and its copies with it.
  Task<Result<bool>> forget_if_it_names_the_gone(const jobs::Job& job, const jobs::Outcome& outcome, BytesView photo) {
    auto gone = co_await names_the_gone(outcome);
    if (!gone || !*gone) co_return gone;
    std::vector<std::string> keys, views;
    keys.push_back(jobs::outcome_key(job.id));
    if (options_.reuse && !photo.empty()) keys.push_back(jobs::reuse_key(hex(sha256(photo)), job.gallery));
    if (job.views) views.emplace_back(jobs::stem(job.name));
    const auto remove_outcome = [&] { return parts_.store.remove(names_.job_bucket, keys); };
    auto removed = co_await patiently(remove_outcome);
    if (!removed) co_return removed.error();
    const auto remove_view = [&] { return parts_.store.remove(names_.out_bucket, views); };
    if (job.views) removed = co_await patiently(remove_view);
    if (!removed) co_return removed.error();
    co_return true;
  }

  Task<Result<void>> keep_copies(const jobs::Job& job, const jobs::Outcome& outcome, const Bytes& encoded,
                                 BytesView photo, bool view) {
    if (!outcome.error_reason.empty()) co_return Result<void>();
    if (view) {
      store::Put text{.content_type = "text/plain", .metadata = {}, .if_absent = false, .if_etag = {}};
      std::string key(jobs::stem(job.name));
      auto seen = co_await put(names_.out_bucket, std::move(key), outcome.label, std::move(text));
      if (!seen) co_return seen.error();
    }
    if (options_.reuse && !photo.empty()) {
      std::string key = jobs::reuse_key(hex(sha256(photo)), job.gallery);
      store::Put json{.content_type = "application/json", .metadata = {}, .if_absent = false, .if_etag = {}};
      auto kept = co_await put(names_.job_bucket, std::move(key), encoded, std::move(json));
      if (!kept) co_return kept.error();
    }
    co_return Result<void>();
  }

  // The job was finished before, by a worker that did not come to remove the message: its outcome stands. That worker
  // may not have come to the outcome's copies either, nor to the look whether all whom it names are still there.
  // False: no outcome stands. `photo` may be empty: not fetched yet.
  Task<Result<bool>> answer_again(const jobs::Job& job, BytesView photo) {
    auto stored = co_await get(jobs::outcome_key(job.id));
    if (!stored && stored.error().code == Code::kNotFound) co_return false;
    if (!stored) co_return stored.error();
    Result<store::Object> fetched = store::Object();
    if (options_.reuse && photo.empty()) {
      fetched = co_await get(jobs::photo_key(job.id));
      if (fetched)
        photo = fetched->body;
      else if (fetched.error().code != Code::kNotFound)  // gone with its answer, which came after its copies
        co_return fetched.error();
    }
    if (const auto outcome = jobs::decode_outcome(stored->body)) {
      auto lacks_view = co_await lacks_view_since(job, stored->info.modified_ms);
      if (!lacks_view) co_return lacks_view.error();
      auto kept = co_await keep_copies(job, *outcome, stored->body, photo, *lacks_view);
      if (!kept) co_return kept.error();
      auto gone = co_await forget_if_it_names_the_gone(job, *outcome, photo);
      if (!gone) co_return gone.error();
      if (*gone) co_return false;
    }
    auto answered = co_await answer(job, std::move(stored->body));
    if (!answered) co_return answered.error();
    co_return true;
  }

  // Whether no photo of this name has been answered since then: a later one's label stays.
  Task<Result<bool>> lacks_view_since(const jobs::Job& job, std::int64_t stored_ms) {
    if (!job.views) co_return false;
    const std::string key(jobs::stem(job.name));
    const auto ask = [&] { return parts_.store.head(names_.out_bucket, key); };
    auto there = co_await patiently(ask);
    if (!there && there.error().code != Code::kNotFound) co_return there.error();
    co_return !there || there->modified_ms < stored_ms;
  }

  Task<Result<void>> answer_without_photo(const jobs::Job& job) {
    auto answered = co_await answer_again(job, {});
    if (!answered) co_return answered.error();
    if (*answered) co_return Result<void>();
    auto missing = failed(job, "photo_missing", "the photo was removed before it could be recognised; send it again");
    missing.worker = parts_.self.instance_id();
    missing.finished_ms = parts_.clock.wall_ms();
    co_return co_await answer(job, jobs::encode(missing));
  }

  Task<Result<store::Object>> get(std::string key) {
    const auto ask = [&] { return parts_.store.get(names_.job_bucket, key, std::nullopt); };
    co_return co_await patiently(ask);
  }

  // A put that was cut off may have been done: with `if_absent`, the next try then meets its own object.
  Task<Result<store::ObjectInfo>> put(std::string bucket, std::string key, Bytes body, store::Put options) {
    const auto ask = [&] { return parts_.store.put(bucket, key, body, options); };
    co_return co_await patiently(ask);
  }

  Task<Result<void>> answer(const jobs::Job& job, Bytes encoded) {
    const auto ask = [&] { return send_answer(job, encoded); };
    co_return co_await patiently(ask);
  }

  Task<Result<void>> send_answer(const jobs::Job& job, Bytes encoded) {
    auto& replies = replies_[job.reply_to];
    if (!replies) {
      auto opened = co_await parts_.queues.open(job.reply_to);
      // Its gateway has left and taken the queue along: the outcome is stored, nobody waits.
      if (!opened && opened.error().code == Code::kNotFound) co_return Result<void>();
      if (!opened) co_return opened.error();
      replies_[job.reply_to] = *opened;
    }
    const std::shared_ptr<queue::Queue> reply_queue = replies_[job.reply_to];
    queue::Outgoing message{std::move(encoded), Millis(0)};
    auto sent = co_await reply_queue->send(std::move(message));
    if (!sent && sent.error().code == Code::kNotFound) {  // as above, since it was opened
      replies_.erase(job.reply_to);
      co_return Result<void>();
    }
    if (!sent) co_return sent.error();
    co_return Result<void>();
  }

  Task<Result<void>> bury(const Bytes& body) {
    const auto ask = [&] { return send_to_the_dead(body); };
    co_return co_await patiently(ask);
  }

  Task<Result<void>> send_to_the_dead(const Bytes& body) {
    auto dead = co_await parts_.queues.open(names_.dead_queue);
    if (!dead) co_return dead.error();
    queue::Outgoing message{body, Millis(0)};
    auto sent = co_await (*dead)->send(std::move(message));
    if (!sent) co_return sent.error();
    co_return Result<void>();
  }

  const Options options_;
  Parts parts_;
  const jobs::Names names_;
  Executor executor_;
  std::shared_ptr<queue::Queue> requests_;
  std::map<std::string, std::shared_ptr<queue::Queue>, std::less<>> replies_;
  std::map<std::uint64_t, Leased> open_;  // jobs leased and not finished
  std::uint64_t next_number_ = 0;
  std::int64_t jobs_done_ = 0;
  std::optional<MonoTime> idle_since_;  // no job since then
  std::optional<asio::steady_timer> changed_;
  std::list<std::shared_ptr<asio::steady_timer>> pauses_;  // under way; drain() ends them
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
