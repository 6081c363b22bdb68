#include "gateway/reuse.h"

#include "base/hash.h"
#include "base/limits.h"

namespace facefleet::gateway {
namespace {

// The earlier systems' views show every photo, recognised anew or not.
Task<Result<void>> put_views(Service& service, const std::string& name, const std::string& label, const Bytes& photo) {
  store::Put put;
  auto in = co_await service.parts.store.put(service.names.in_bucket, name, photo, put);
  if (!in) co_return in.error();
  put.content_type = "text/plain";
  std::string key(jobs::stem(name));
  auto out = co_await service.parts.store.put(service.names.out_bucket, std::move(key), label, std::move(put));
  if (!out) co_return out.error();
  co_return Result<void>();
}

}  // namespace

Task<Result<Answer>> reuse_outcome(Service& service, const Order& order, const std::string& job_id,
                                   const std::string& name, const Bytes& photo) {
  const std::string key = jobs::reuse_key(hex(sha256(photo)), order.gallery);
  auto stored = co_await service.parts.store.get(service.names.job_bucket, key, std::nullopt);
  if (!stored) {
    if (stored.error().code == Code::kNotFound) co_return Answer();
    co_return stored.error();
  }
  auto earlier = jobs::decode_outcome(stored->body);
  if (!earlier || earlier->kind != order.kind || !earlier->error_reason.empty()) co_return Answer();  // compute it then
  const Millis grace(limits::kErasureGraceMs);
  const MonoTime looked = service.parts.clock.now() - Millis(limits::kGalleryLookMs);
  std::string model = service.model;
  if (order.kind == jobs::Kind::kRecognise) {
    auto snapshot = co_await service.parts.galleries.snapshot(order.gallery, Millis(limits::kGalleryLookMs));
    if (!snapshot || earlier->gallery_version != (*snapshot)->version()) co_return Answer();
    if ((*snapshot)->version() > 0) model = (*snapshot)->model();
  } else if (earlier->classes.size() < order.matches_max) {
    co_return Answer();
  }
  if (!model.empty() && model != earlier->model) co_return Answer();

  jobs::Outcome outcome = std::move(*earlier);
  outcome.job_id = job_id;
  outcome.name = name;
  outcome.stages.clear();
  outcome.finished_ms = service.parts.clock.wall_ms();
  for (jobs::Face& face : outcome.faces)
    if (face.matches.size() > order.matches_max) face.matches.resize(order.matches_max);
  if (outcome.classes.size() > order.matches_max) outcome.classes.resize(order.matches_max);
  if (order.views) {
    auto seen = co_await put_views(service, name, outcome.label, photo);
    if (!seen) co_return seen.error();
  }
  // Too late for a deletion's search to find it, perhaps: a worker, which looks again, makes it anew.
  if (service.parts.clock.now() - looked > grace / 2) co_return Answer();
  store::Put json;
  json.content_type = "application/json";
  Bytes encoded = jobs::encode(outcome);
  std::string outcome_key = jobs::outcome_key(job_id);
  auto kept = co_await service.parts.store.put(service.names.job_bucket, std::move(outcome_key), std::move(encoded),
                                               std::move(json));
  if (!kept) co_return kept.error();
  if (service.parts.clock.now() - looked > grace) {
    std::vector<std::string> keys{jobs::outcome_key(job_id)};
    auto removed = co_await service.parts.store.remove(service.names.job_bucket, std::move(keys));
    if (!removed) co_return removed.error();
    co_return Answer();
  }
  co_return std::make_shared<const jobs::Outcome>(std::move(outcome));
}

}  // namespace facefleet::gateway
