#include "apps/resources.h"

#include <algorithm>

#include "apps/cloud_parts.h"
#include "apps/place.h"
#include "table/mounted_store.h"

namespace facefleet::apps {
namespace {

constexpr Millis kPauseFirst{250}, kPauseLast{5'000};  // between two tries

Error about(const std::string& what, Error error) {
  error.message = what + ": " + error.message;
  return error;
}

queue::Attributes request_attributes(const config::Profile& profile, const jobs::Names& names) {
  queue::Attributes requests;
  requests.lease = config::millis(profile.worker_lease_s);
  requests.message_bytes_max = static_cast<std::uint32_t>(profile.queue_message_bytes_max);
  requests.dead_letter_queue = names.dead_queue;
  // One more than a worker's own limit: it buries poison itself, with an answer; this is for when it cannot.
  requests.receives_max = static_cast<std::uint32_t>(profile.worker_receives_max) + 1;
  return requests;
}

// Who may not change attributes, as a worker's role may not, leaves them: what counts is that the queue is there.
Task<Result<void>> settle_attributes(queue::Queue& queue, queue::Attributes wanted, const Log& log) {
  const auto there = co_await queue.attributes();
  if (!there) co_return there.error();
  queue::Attributes attributes = *there;
  attributes.lease = wanted.lease;
  attributes.message_bytes_max = wanted.message_bytes_max;
  attributes.dead_letter_queue = wanted.dead_letter_queue;
  attributes.receives_max = wanted.receives_max;
  if (attributes == *there) co_return Result<void>();
  auto set = co_await queue.set_attributes(std::move(attributes));
  if (!set && set.error().code == Code::kDenied) {
    log.info("the queue keeps its attributes", {{"queue", queue.name()}, {"why", set.error().message}});
    co_return Result<void>();
  }
  co_return set;
}

// Looked for first, as a role that may use a queue need not be allowed to make one.
Task<Result<void>> make_queue(Resources resources, std::string name, queue::Attributes attributes, bool settles) {
  auto there = co_await resources.queues.open(name);
  if (!there && there.error().code == Code::kNotFound) {
    const auto made = co_await resources.queues.create(name, attributes);
    if (made) co_return Result<void>();
    if (made.error().code != Code::kConflict) co_return about("cannot make the queue " + name, made.error());
    there = co_await resources.queues.open(name);  // somebody else has, meanwhile
  }
  if (!there) co_return about("cannot open the queue " + name, there.error());
  if (!settles) co_return Result<void>();
  auto settled = co_await settle_attributes(**there, std::move(attributes), resources.log);
  if (!settled) co_return about("cannot give the queue " + name + " its attributes", settled.error());
  co_return Result<void>();
}

Task<Result<void>> make_bucket(store::ObjectStore& store, std::string bucket) {
  const auto there = co_await store.has_bucket(bucket);
  if (there && *there) co_return Result<void>();
  Result<void> made;
  if (there)
    made = co_await store.create_bucket(bucket);
  else
    made = there.error();
  if (made) co_return made;
  if (made.error().code == Code::kDenied || made.error().reason == "BucketAlreadyExists")
    co_return Error{made.error().code,
                    "the bucket " + bucket + " is another account's, or this role may not use it (" +
                        made.error().message +
                        "); bucket names are shared by all of S3: choose another id in the profile, or allow "
                        "s3:ListBucket and s3:CreateBucket",
                    made.error().reason};
  co_return about("cannot make the bucket " + bucket, made.error());
}

Task<Result<void>> make_table(table::Tables& tables, std::string name) {
  const auto there = co_await tables.describe(name);
  if (there) co_return Result<void>();
  if (there.error().code != Code::kNotFound) co_return about("cannot look at the table " + name, there.error());
  table::TableInfo table = table::mount_table(name);
  const auto made = co_await tables.create(std::move(table));
  if (!made && made.error().code != Code::kConflict) co_return about("cannot make the table " + name, made.error());
  co_return Result<void>();
}

// Worth another try: the service is away, has too much to do, or does not show yet what it was told.
bool may_pass(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kTimedOut || error.code == Code::kBusy ||
         error.code == Code::kNotFound || error.reason == "OperationAborted";
}

}  // namespace

Task<Result<void>> make_resources(Resources resources, const config::Profile& profile) {
  const jobs::Names names = names_of(profile);
  const queue::Attributes plain, attributes = request_attributes(profile, names);
  auto dead = co_await make_queue(resources, names.dead_queue, plain, /*settles=*/false);
  if (!dead) co_return dead;
  auto requests = co_await make_queue(resources, names.request_queue, attributes, resources.settles);
  if (!requests) co_return requests;
  auto responses = co_await make_queue(resources, names.response_queue, plain, /*settles=*/false);
  if (!responses) co_return responses;
  std::vector<std::string> buckets = {names.job_bucket, names.gallery_bucket};
  if (profile.gateway_views) buckets.insert(buckets.end(), {names.in_bucket, names.out_bucket});
  for (auto& bucket : buckets) {
    auto made = co_await make_bucket(resources.store, bucket);
    if (!made) co_return made;
  }
  if (resources.tables == nullptr || profile.outcomes_in != "table") co_return Result<void>();
  co_return co_await make_table(*resources.tables, outcome_table(profile));
}

Task<Result<void>> make_resources_patiently(Resources resources, const config::Profile& profile, const bool& leaving) {
  Millis wait = kPauseFirst;
  std::string told;
  while (!leaving) {
    auto made = co_await make_resources(resources, profile);
    if (made || !may_pass(made.error())) co_return made;
    if (made.error().message != told)
      resources.log.warn("waiting for queues and buckets", {{"why", made.error().message}});
    told = made.error().message;
    co_await sleep_for(wait);
    wait = std::min(wait * 2, kPauseLast);
  }
  co_return Result<void>();
}

}  // namespace facefleet::apps
