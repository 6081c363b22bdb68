#include "gateway/enrolment.h"

#include <set>

#include "base/limits.h"

namespace facefleet::gateway {

Enrolment::Receipt Enrolment::add(std::string gallery, std::string model, gallery::Template face) {
  auto done = std::make_shared<OneShot<Result<Enrolled>>>(executor_);
  waiting_.push_back({std::move(gallery), std::move(model), std::move(face), done});
  if (!std::exchange(running_, true)) tasks_->spawn("enrol", run(shared_from_this()));
  return done;
}

Task<> Enrolment::run(std::shared_ptr<Enrolment> self) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  while (!self->waiting_.empty()) {
    std::vector<Item> batch = self->take_batch();
    co_await self->commit(std::move(batch));
  }
  self->running_ = false;
}

// The oldest and all others that go into the same version of the same gallery.
std::vector<Enrolment::Item> Enrolment::take_batch() {
  std::vector<Item> batch;
  std::deque<Item> others;
  for (Item& item : waiting_) {
    const bool fits = batch.empty() || (item.gallery == batch.front().gallery && item.model == batch.front().model &&
                                        batch.size() < limits::kEnrolmentBatch);
    if (fits)
      batch.push_back(std::move(item));
    else
      others.push_back(std::move(item));
  }
  waiting_ = std::move(others);
  return batch;
}

Task<> Enrolment::commit(std::vector<Item> batch) {
  const std::string gallery = batch.front().gallery;
  std::vector<Enrolled> results(batch.size());
  std::vector<gallery::Template> faces;
  auto before = co_await galleries_.snapshot(gallery, Millis(0));
  if (before) {
    std::set<std::pair<std::string, std::string>> seen;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const gallery::Template& face = batch[i].face;
      const bool is_first = seen.emplace(face.person, face.photo_sha256).second;
      results[i].was_present = !is_first || (*before)->holds(face.person, face.photo_sha256);
      faces.push_back(std::move(batch[i].face));
    }
    auto added = co_await galleries_.add(gallery, batch.front().model, std::move(faces));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!added) {
        batch[i].done->set(added.error());
        continue;
      }
      results[i].version = added->version;
      batch[i].done->set(results[i]);
    }
    co_return;
  }
  for (const Item& item : batch) item.done->set(before.error());
}

}  // namespace facefleet::gateway
