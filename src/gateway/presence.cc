#include "gateway/presence.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/ids.h"
#include "base/limits.h"
#include "gateway/service.h"
#include "jobs/json_writer.h"

namespace facefleet::gateway {
namespace {

constexpr std::string_view kSigns = "gateways/";
constexpr std::size_t kIdHexDigits = 12;
constexpr int kSignsPerDeath = 6;       // so many may fail before a gateway is taken for dead
constexpr Millis kMissing{3'000};       // so long must a queue be missing to be taken for lost
constexpr Millis kStillMissing{1'500};  // from one such word to the next, at most: each poll asks again at once
constexpr Millis kOrphanWait{1'000};    // a long poll asks all of SQS's servers, a short one some
constexpr std::size_t kOrphanLooks = 1'000;

std::string sign_key(std::string_view id) { return std::string(kSigns) + std::string(id); }

std::string queue_name(const Service& service, std::string_view id) {
  return service.names.response_queue + "-" + std::string(id);
}

// The id in the name of a gateway's own queue; empty if it is no such name.
std::string id_in(const Service& service, std::string_view queue) {
  const std::string prefix = queue_name(service, "");
  if (!queue.starts_with(prefix)) return {};
  const std::string_view id = queue.substr(prefix.size());
  const bool is_id = id.size() == kIdHexDigits &&
                     std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return is_id ? std::string(id) : std::string();
}

Task<Result<void>> sign(Service& service, std::string id) {
  jobs::JsonWriter out;
  out.begin_object().key("queue").plain_text(queue_name(service, id));
  out.key("version").text(service.options.version).end_object();
  Bytes text = out.take();
  store::Put put;
  put.content_type = "application/json";
  std::string key = sign_key(id);
  auto signed_off =
      co_await service.parts.store.put(service.names.job_bucket, std::move(key), std::move(text), std::move(put));
  if (!signed_off) co_return signed_off.error();
  co_return Result<void>();
}

using Signs =
    std::map<std::string, std::int64_t, std::less<>>;  // gateway id -> when it last signed, by the store's clock

Task<Result<Signs>> read_signs(Service& service) {
  Signs signs;
  store::List query;
  query.prefix = kSigns;
  for (;;) {
    auto page = co_await service.parts.store.list(service.names.job_bucket, query);
    if (!page) co_return page.error();
    for (const store::ObjectInfo& object : page->objects)
      signs.emplace(object.key.substr(kSigns.size()), object.modified_ms);
    if (!page->truncated) co_return signs;
    query.start_after = page->next_start_after;
  }
}

Task<Result<void>> remove_sign(Service& service, std::string id) {
  std::vector<std::string> keys{sign_key(id)};
  co_return co_await service.parts.store.remove(service.names.job_bucket, std::move(keys));
}

// Takes the answers off a queue that nobody reads any more: who retried here may wait for one of them, and their photos
// go as those of other answers do. Then the queue goes, and the sign of whose it was.
Task<Result<void>> remove_queue(Service& service, std::string id, Millis wait) {
  std::string name = queue_name(service, id);
  auto opened = co_await service.parts.queues.open(name);
  if (!opened && opened.error().code != Code::kNotFound) co_return opened.error();
  for (std::size_t look = 0; opened && look < kOrphanLooks; ++look) {
    queue::Receive request;
    request.max = limits::kQueueBatchEntries;
    request.wait = wait;
    auto messages = co_await (*opened)->receive(std::move(request));
    if (!messages) co_return messages.error();
    if (messages->empty()) break;
    for (const queue::Message& message : *messages) {
      auto outcome = jobs::decode_outcome(message.body);
      if (!outcome) continue;
      const auto answer = std::make_shared<const jobs::Outcome>(std::move(*outcome));
      service.pending.deliver(answer->job_id, Answer(answer));
      service.retention->answered(*answer);
    }
  }
  if (opened) {
    auto removed = co_await service.parts.queues.remove(name);
    if (!removed && removed.error().code != Code::kNotFound) co_return removed;
  }
  co_return co_await remove_sign(service, std::move(id));
}

// One gateway's look after the others.
class Watch {
 public:
  explicit Watch(Service& service) : service_(service) {}

  Task<Result<void>> look() {
    const auto signs = co_await read_signs(service_);
    if (!signs) co_return signs.error();
    const auto own = signs->find(service_.presence.id);
    if (own == signs->end()) co_return Result<void>();  // the bucket was emptied since: the next look will tell
    const std::int64_t now_ms = own->second;
    std::string prefix = queue_name(service_, "");
    const auto names = co_await service_.parts.queues.list(std::move(prefix));
    if (!names) co_return names.error();
    std::set<std::string, std::less<>> with_queue;
    std::vector<std::shared_ptr<queue::Queue>> others;
    for (const std::string& name : *names) {
      std::string id = id_in(service_, name);
      if (id.empty() || id == service_.presence.id) continue;
      with_queue.insert(id);
      if (is_dead(id, *signs, now_ms)) {
        co_await collect(std::move(id));
        continue;
      }
      auto opened = co_await service_.parts.queues.open(name);
      if (opened) others.push_back(std::move(*opened));
    }
    service_.presence.others = std::move(others);
    std::erase_if(unsigned_since_, [&](const auto& entry) { return !with_queue.contains(entry.first); });
    for (const auto& [id, signed_ms] : *signs) {
      if (with_queue.contains(id) || id == service_.presence.id || !is_old(signed_ms, now_ms)) continue;
      auto removed = co_await remove_sign(service_, id);  // of one that died between the two
      if (!removed) co_return removed;
    }
    co_return Result<void>();
  }

 private:
  bool is_old(std::int64_t signed_ms, std::int64_t now_ms) const {
    return now_ms - signed_ms > service_.options.dead_after.count();
  }

  bool is_dead(const std::string& id, const Signs& signs, std::int64_t now_ms) {
    if (const auto sign = signs.find(id); sign != signs.end()) {
      unsigned_since_.erase(id);
      return is_old(sign->second, now_ms);
    }
    const MonoTime now = service_.parts.clock.now();
    const auto since = unsigned_since_.try_emplace(id, now).first->second;
    return now - since > service_.options.dead_after;
  }

  Task<> collect(std::string id) {
    auto collected = co_await remove_queue(service_, id, kOrphanWait);
    if (collected) {
      service_.parts.log.info("collected_gateway", {{"gateway", id}});
      collected = co_await service_.retention->sweep();  // photos that it had answered and not deleted yet
    }
    if (!collected)
      service_.parts.log.warn("gateway_not_collected", {{"gateway", id}, {"why", collected.error().message}});
  }

  Service& service_;
  std::map<std::string, MonoTime, std::less<>> unsigned_since_;  // queues that had no sign at the last look
};

}  // namespace

Task<Result<std::shared_ptr<queue::Queue>>> open_own_queue(Service& service) {
  if (service.presence.id.empty()) service.presence.id = random_hex(service.parts.random, kIdHexDigits);
  auto signed_in = co_await sign(service, service.presence.id);
  if (!signed_in) co_return signed_in.error();
  const queue::Attributes plain;
  std::string name = queue_name(service, service.presence.id);
  co_return co_await service.parts.queues.create(std::move(name), plain);
}

Task<Result<void>> renew_own_queue(std::shared_ptr<Service> service, std::shared_ptr<queue::Queue> lost) {
  Presence& presence = service->presence;
  if (service->responses != lost || presence.renewing) co_return Result<void>();
  const MonoTime now = service->parts.clock.now();
  if (!presence.missing_since || now - presence.missed_at > kStillMissing) presence.missing_since = now;
  presence.missed_at = now;
  if (now - *presence.missing_since < kMissing) co_return Result<void>();
  presence.missing_since.reset();
  presence.renewing = true;
  service->parts.log.warn("response_queue_lost", {{"queue", lost->name()}});
  const std::string left = std::exchange(presence.id, std::string());
  auto opened = co_await open_own_queue(*service);
  presence.renewing = false;
  if (!opened) co_return opened.error();
  service->responses = std::move(*opened);
  co_return co_await remove_sign(*service, left);
}

Task<> stay_present(std::shared_ptr<Service> service) {
  for (;;) {
    auto done = co_await sign(*service, service->presence.id);
    if (!done) service->parts.log.warn("presence_failed", {{"why", done.error().message}});
    co_await sleep_for(service->options.dead_after / kSignsPerDeath);
  }
}

Task<> watch_others(std::shared_ptr<Service> service) {
  Watch watch(*service);
  for (;;) {
    auto done = co_await watch.look();
    if (!done) service->parts.log.warn("others_not_seen", {{"why", done.error().message}});
    co_await sleep_for(service->options.dead_after / kSignsPerDeath);
  }
}

Task<> leave(Service& service) {
  if (!service.responses || service.presence.id.empty()) co_return;
  auto left = co_await remove_queue(service, service.presence.id, Millis(0));
  if (!left) service.parts.log.warn("response_queue_not_removed", {{"why", left.error().message}});
}

}  // namespace facefleet::gateway
