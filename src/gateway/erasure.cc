#include "gateway/erasure.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

namespace facefleet::gateway {
namespace {

// Deletes the objects under `prefix` whose body `goes`; of an outcome, its photo too, where that is kept.
Task<Result<std::uint64_t>> erase_where(store::ObjectStore& store, std::string bucket, std::string_view prefix,
                                        std::function<bool(const Bytes&)> goes) {
  std::uint64_t erased = 0;
  store::List query;
  query.prefix = prefix;
  for (;;) {
    auto page = co_await store.list(bucket, query);
    if (!page) co_return page.error();
    std::vector<std::string> gone;
    for (const store::ObjectInfo& info : page->objects) {
      auto object = co_await store.get(bucket, info.key, std::nullopt);
      if (!object && object.error().code == Code::kNotFound) continue;  // deleted meanwhile
      if (!object) co_return object.error();
      if (!goes(object->body)) continue;
      ++erased;
      gone.push_back(info.key);
      if (prefix == jobs::kOutcomePrefix) gone.push_back(jobs::photo_key(info.key.substr(prefix.size())));
    }
    if (!gone.empty()) {
      auto removed = co_await store.remove(bucket, std::move(gone));
      if (!removed) co_return removed.error();
    }
    if (!page->truncated) co_return erased;
    query.start_after = page->next_start_after;
  }
}

}  // namespace

Task<Result<std::uint64_t>> erase_outcomes(Service& service, std::string gallery, std::optional<std::string> person) {
  std::set<std::string> labels;  // to be forgotten in the view, which does not say of which gallery they are
  if (person) labels.insert(*person);
  const auto names_one = [&](const Bytes& body) {
    const auto outcome = jobs::decode_outcome(body);
    if (!outcome || outcome->gallery != gallery) return false;
    bool names = false;
    for (const jobs::Face& face : outcome->faces)
      for (const jobs::Match& match : face.matches) names = names || !person || match.person == *person;
    if (names && outcome->label != jobs::kUnknown && outcome->label != jobs::kNoFace && !person)
      labels.insert(outcome->label);
    return names;
  };
  std::function<bool(const Bytes&)> goes = names_one;
  auto outcomes = co_await erase_where(service.parts.store, service.names.job_bucket, jobs::kOutcomePrefix, goes);
  if (!outcomes) co_return outcomes;
  auto reuse = co_await erase_where(service.parts.store, service.names.job_bucket, jobs::kReusePrefix, goes);
  if (!reuse) co_return reuse;
  std::uint64_t erased = *outcomes + *reuse;
  if (service.options.views) {
    goes = [&labels](const Bytes& body) { return labels.contains(body); };
    auto views = co_await erase_where(service.parts.store, service.names.out_bucket, "", std::move(goes));
    if (!views) co_return views;
    erased += *views;
  }
  co_return erased;
}

}  // namespace facefleet::gateway
