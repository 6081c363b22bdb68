// POST /v1/admin/purge: as if no photo had ever come. Galleries stay.
#include "gateway/routes.h"

namespace facefleet::gateway {
namespace {

Task<Result<std::uint64_t>> empty_bucket(store::ObjectStore& store, std::string bucket) {
  std::uint64_t removed = 0;
  for (;;) {
    store::List query;
    auto page = co_await store.list(bucket, std::move(query));
    if (!page) co_return page.error();
    if (page->objects.empty()) co_return removed;
    std::vector<std::string> keys;
    for (store::ObjectInfo& object : page->objects) keys.push_back(std::move(object.key));
    removed += keys.size();
    auto done = co_await store.remove(bucket, std::move(keys));
    if (!done) co_return done.error();
  }
}

}  // namespace

Task<Result<net::HttpResponse>> post_purge(Call& call) {
  Service& service = call.service;
  if (!service.is_connected())
    co_return Error{Code::kUnavailable, "The service is starting; try again in a moment.", "not_serving"};
  auto requests = co_await service.requests->purge();
  if (!requests) co_return requests.error();
  service.pending.fail_all({Code::kConflict, "All photos were purged while this one waited.", "purged"});
  std::vector<std::string> buckets{service.names.job_bucket};
  if (service.options.views) {
    buckets.push_back(service.names.in_bucket);
    buckets.push_back(service.names.out_bucket);
  }
  std::uint64_t removed = 0;
  for (const std::string& bucket : buckets) {
    auto emptied = co_await empty_bucket(service.parts.store, bucket);
    if (!emptied) co_return emptied.error();
    removed += *emptied;
  }
  // Last, as workers that were at it have answered meanwhile.
  auto responses = co_await service.responses->purge();
  if (!responses) co_return responses.error();
  const auto others = service.presence.others;  // other gateways'
  for (const auto& other : others) {
    auto purged = co_await other->purge();
    if (!purged && purged.error().code != Code::kNotFound) co_return purged.error();
  }
  jobs::JsonWriter out;
  out.begin_object().key("purged").boolean(true).key("objects_deleted").number(removed).end_object();
  co_return net::HttpResponse::json(200, out.take());
}

}  // namespace facefleet::gateway
