#include "worker/outcomes.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/limits.h"
#include "worker/recognise.h"

namespace facefleet::worker {

Task<Result<void>> Outcomes::give_up(const jobs::Job& job, const Bytes& body) {
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

Task<Result<bool>> Outcomes::finish(const jobs::Job& job, jobs::Outcome outcome, MonoTime looked, BytesView photo) {
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
Task<Result<bool>> Outcomes::names_the_gone(const jobs::Outcome& outcome) {
  const auto names_somebody = [](const jobs::Face& face) { return !face.matches.empty(); };
  if (std::ranges::none_of(outcome.faces, names_somebody)) co_return false;
  const auto look = [&] { return parts_.galleries.snapshot(outcome.gallery, Millis(0)); };
  auto newest = co_await patience_.ask(look);
  if (!newest) co_return newest.error();
  for (const jobs::Face& face : outcome.faces)
    for (const jobs::Match& match : face.matches)
      if ((*newest)->templates(match.person).empty()) co_return true;
  co_return false;
}

// As names_the_gone, of an outcome that is stored: if it does, it goes, and its copies with it.
Task<Result<bool>> Outcomes::forget_if_it_names_the_gone(const jobs::Job& job, const jobs::Outcome& outcome,
                                                         BytesView photo) {
  auto gone = co_await names_the_gone(outcome);
  if (!gone || !*gone) co_return gone;
  std::vector<std::string> keys, views;
  keys.push_back(jobs::outcome_key(job.id));
  if (options_.reuse && !photo.empty()) keys.push_back(jobs::reuse_key(hex(sha256(photo)), job.gallery));
  if (job.views) views.emplace_back(jobs::stem(job.name));
  const auto remove_outcome = [&] { return parts_.store.remove(names_.job_bucket, keys); };
  auto removed = co_await patience_.ask(remove_outcome);
  if (!removed) co_return removed.error();
  const auto remove_view = [&] { return parts_.store.remove(names_.out_bucket, views); };
  if (job.views) removed = co_await patience_.ask(remove_view);
  if (!removed) co_return removed.error();
  co_return true;
}

Task<Result<void>> Outcomes::keep_copies(const jobs::Job& job, const jobs::Outcome& outcome, const Bytes& encoded,
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

Task<Result<bool>> Outcomes::answer_again(const jobs::Job& job, BytesView photo) {
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
Task<Result<bool>> Outcomes::lacks_view_since(const jobs::Job& job, std::int64_t stored_ms) {
  if (!job.views) co_return false;
  const std::string key(jobs::stem(job.name));
  const auto ask = [&] { return parts_.store.head(names_.out_bucket, key); };
  auto there = co_await patience_.ask(ask);
  if (!there && there.error().code != Code::kNotFound) co_return there.error();
  co_return !there || there->modified_ms < stored_ms;
}

Task<Result<void>> Outcomes::answer_without_photo(const jobs::Job& job) {
  auto answered = co_await answer_again(job, {});
  if (!answered) co_return answered.error();
  if (*answered) co_return Result<void>();
  auto missing = failed(job, "photo_missing", "the photo was removed before it could be recognised; send it again");
  missing.worker = parts_.self.instance_id();
  missing.finished_ms = parts_.clock.wall_ms();
  co_return co_await answer(job, jobs::encode(missing));
}

Task<Result<store::Object>> Outcomes::get(std::string key) {
  const auto ask = [&] { return parts_.store.get(names_.job_bucket, key, std::nullopt); };
  co_return co_await patience_.ask(ask);
}

// A put that was cut off may have been done: with `if_absent`, the next try then meets its own object.
Task<Result<store::ObjectInfo>> Outcomes::put(std::string bucket, std::string key, Bytes body, store::Put options) {
  const auto ask = [&] { return parts_.store.put(bucket, key, body, options); };
  co_return co_await patience_.ask(ask);
}

Task<Result<void>> Outcomes::answer(const jobs::Job& job, Bytes encoded) {
  const auto ask = [&] { return send_answer(job, encoded); };
  co_return co_await patience_.ask(ask);
}

Task<Result<void>> Outcomes::send_answer(const jobs::Job& job, Bytes encoded) {
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

Task<Result<void>> Outcomes::bury(const Bytes& body) {
  const auto ask = [&] { return send_to_the_dead(body); };
  co_return co_await patience_.ask(ask);
}

Task<Result<void>> Outcomes::send_to_the_dead(const Bytes& body) {
  auto dead = co_await parts_.queues.open(names_.dead_queue);
  if (!dead) co_return dead.error();
  queue::Outgoing message{body, Millis(0)};
  auto sent = co_await (*dead)->send(std::move(message));
  if (!sent) co_return sent.error();
  co_return Result<void>();
}

Task<Result<void>> Outcomes::answer_failure(const jobs::Job& job) {
  auto failure =
      failed(job, "not_recognised",
             "something that this service needs fails; the log of " + parts_.self.instance_id() + " says what");
  auto finished = co_await finish(job, std::move(failure), parts_.clock.now(), {});
  if (!finished) co_return finished.error();
  if (!*finished) co_return Error{Code::kConflict, "an earlier outcome was just erased", ""};
  co_return Result<void>();
}

}  // namespace facefleet::worker
