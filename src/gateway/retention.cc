#include "gateway/retention.h"

#include <algorithm>

#include "base/limits.h"

namespace facefleet::gateway {
namespace {

constexpr std::int64_t kQueueRetentionMs = 345'600'000;  // a message lives four days: older photos have no job

// The job id in `photos/<job id>`; empty if it is no such key.
std::string_view job_of(std::string_view key) {
  const std::size_t slash = key.find('/');
  const std::string_view id = slash == std::string_view::npos ? std::string_view() : key.substr(slash + 1);
  return is_id(id) ? id : std::string_view();
}

}  // namespace

Retention::Retention(Executor executor, const Options& options, const Parts& parts, std::shared_ptr<Tasks> tasks)
    : executor_(std::move(executor)),
      clock_(parts.clock),
      store_(parts.store),
      log_(parts.log),
      bucket_(options.names.job_bucket),
      keeps_photos_(options.photo_retention == "keep"),
      outcome_retention_(options.outcome_retention),
      tasks_(std::move(tasks)) {}

void Retention::answered(const jobs::Outcome& outcome) {
  if (!keeps_photos_ && outcome.error_reason != jobs::kPoison) forget(jobs::photo_key(outcome.job_id));
}

void Retention::forget(std::string key) {
  waiting_.push_back(std::move(key));
  if (std::exchange(flush_planned_, true)) return;
  tasks_->spawn("delete", flush_soon(shared_from_this()));
}

Task<> Retention::flush_soon(std::shared_ptr<Retention> self) {
  // Deleting costs one request for many keys: worth a moment's wait. Cancelled, it deletes at once.
  asio::steady_timer timer(self->executor_, Millis(limits::kPhotoDeletionMs));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_await asio::this_coro::reset_cancellation_state();
  self->flush_planned_ = false;
  co_await self->flush();
}

Task<> Retention::flush() {
  std::vector<std::string> keys = std::exchange(waiting_, {});
  if (keys.empty()) co_return;
  const std::size_t count = keys.size();
  auto removed = co_await store_.remove(bucket_, std::move(keys));
  // Whatever stayed is found by the next sweep.
  if (!removed) log_.warn("deletion_failed", {{"objects", count}, {"why", removed.error().message}});
}

Task<Result<void>> Retention::sweep() {
  if (!keeps_photos_) {
    auto photos = co_await sweep_photos();
    if (!photos) co_return photos;
  }
  auto outcomes = co_await sweep_older(jobs::kOutcomePrefix, true);
  if (!outcomes) co_return outcomes;
  auto reuse = co_await sweep_older(jobs::kReusePrefix, false);
  if (!reuse) co_return reuse;
  co_return co_await sweep_older("idempotency/", false);
}

Task<Result<void>> Retention::sweep_photos() {
  store::List query;
  query.prefix = jobs::kPhotoPrefix;
  for (;;) {
    auto page = co_await store_.list(bucket_, query);
    if (!page) co_return page.error();
    std::vector<std::string> gone;
    for (const store::ObjectInfo& photo : page->objects) {
      const std::string_view job_id = job_of(photo.key);
      if (job_id.empty()) continue;
      const bool orphan = clock_.wall_ms() - id_wall_ms(job_id) > kQueueRetentionMs;
      bool was_answered = false;
      if (!orphan) {
        auto stored = co_await store_.get(bucket_, jobs::outcome_key(job_id), std::nullopt);
        if (stored) {
          const auto outcome = jobs::decode_outcome(stored->body);
          was_answered = !outcome || outcome->error_reason != jobs::kPoison;
        }
      }
      if (orphan || was_answered) gone.push_back(photo.key);
    }
    if (!gone.empty()) {
      auto removed = co_await store_.remove(bucket_, std::move(gone));
      if (!removed) co_return removed;
    }
    if (!page->truncated) co_return Result<void>();
    query.start_after = page->next_start_after;
  }
}

Task<Result<void>> Retention::sweep_older(std::string_view prefix, bool sorted_by_time) {
  const std::int64_t oldest = clock_.wall_ms() - outcome_retention_.count();
  store::List query;
  query.prefix = prefix;
  for (;;) {
    auto page = co_await store_.list(bucket_, query);
    if (!page) co_return page.error();
    std::vector<std::string> gone;
    for (const store::ObjectInfo& object : page->objects)
      if (object.modified_ms < oldest) gone.push_back(object.key);
    // Job ids sort by time: where a whole page is young, so is all that follows.
    const bool all_young = gone.empty();
    if (!all_young) {
      auto removed = co_await store_.remove(bucket_, std::move(gone));
      if (!removed) co_return removed;
    }
    if (!page->truncated || (sorted_by_time && all_young)) co_return Result<void>();
    query.start_after = page->next_start_after;
  }
}

}  // namespace facefleet::gateway
