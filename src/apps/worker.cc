// facefleet worker: one worker process. The fleet that starts it says who it is, or the machine that it runs on does.
#include "worker/worker.h"

#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "apps/alone.h"
#include "apps/cloud_parts.h"
#include "apps/command.h"
#include "apps/pipeline_options.h"
#include "apps/place.h"
#include "apps/resources.h"
#include "apps/role.h"
#include "apps/spot_notice.h"
#include "aws/imds.h"

namespace facefleet::apps {
namespace {

struct Flags {
  RoleFlags role;
  std::string instance_id;
  std::string status_file;
};

// Of a worker's ask for a job, where a leaving worker has to wait for its end.
constexpr Millis kAskAlone{5'000};

worker::Options to_options(const config::Profile& profile, bool alone) {
  worker::Options options;
  options.names = names_of(profile);
  options.prefetch = static_cast<std::uint32_t>(profile.worker_prefetch);
  options.lease = config::millis(profile.worker_lease_s);
  options.idle_poll = config::millis(profile.worker_idle_poll_s);
  options.receives_max = static_cast<std::uint32_t>(profile.worker_receives_max);
  options.reuse = profile.gateway_reuse;
  options.threshold = static_cast<float>(profile.vision_threshold);
  options.service_min = config::millis(profile.lesson_service_s);
  options.ends_itself = config::millis(profile.worker_ends_itself_s);
  options.drops_ask = !alone;  // the local cloud's `up` sees who has gone
  if (alone) options.receive_wait = kAskAlone;
  return options;
}

// Which instance this is: what the fleet said that started it, else what the instance metadata service says.
Result<std::string> learn_instance_id(Role& role, const std::string& told) {
  if (!told.empty()) return told;
  auto imds = aws::Imds::open(role.context.get_executor(), aws::Imds::url_from_environment(), role.clock);
  if (!imds) return imds.error();
  std::optional<Result<aws::Identity>> self;
  asio::co_spawn(role.context, (*imds)->identity(),
                 [&self](std::exception_ptr, Result<aws::Identity> found) { self = std::move(found); });
  while (!self && role.context.run_one() > 0) {
  }
  if (!self) return Error{Code::kInternal, "the question who this instance is got no answer", ""};
  if (*self) return (*self)->id;
  return Error{self->error().code,
               "which instance is this? no --instance-id was given, and the instance metadata service at " +
                   aws::Imds::url_from_environment() + " does not say (" + self->error().message + ")",
               "no_instance"};
}

// Where there is a status file, the fleet is on this machine and reads it; else it reads this instance's tags. A worker
// under a name that is no instance's is in no fleet, and keeps what it does to a file of its own.
Result<std::unique_ptr<fleet::Self>> open_self(Role& role, const Flags& flags, const std::filesystem::path& data_dir,
                                               std::string id, fleet::Fleet& fleet) {
  if (!flags.status_file.empty()) return fleet::open_status_file(flags.status_file, std::move(id), role.clock);
  if (!id.starts_with("i-")) return fleet::open_status_file(data_dir / "worker-status", std::move(id), role.clock);
  return fleet::open_tag_self(role.context.get_executor(), fleet, std::move(id), role.clock, role.log);
}

Task<Result<void>> make_and_run(Role& role, const CloudParts& parts, const Place& place, worker::Worker& worker,
                                const bool& leaving) {
  if (place.alone) {
    const Resources resources{*parts.queues, *parts.store, parts.tables.get(), role.log, /*settles=*/false};
    auto made = co_await make_resources_patiently(resources, place.profile, leaving);
    if (!made || leaving) co_return made;
  }
  co_return co_await worker.run();
}

int work(const Flags& flags) {
  Role role(flags.instance_id.empty() ? "worker" : "worker " + flags.instance_id);
  const auto place = settle_place(flags.role);
  if (!place) return refuse(place.error());
  const config::Profile& profile = place->profile;
  auto id = learn_instance_id(role, flags.instance_id);
  if (!id) return refuse(id.error());
  auto parts = open_cloud_parts(role.context.get_executor(), profile, role.clock, role.random, role.log, place->alone);
  if (!parts) return refuse(parts.error());
  auto self = open_self(role, flags, place->data_dir, *id, *parts->fleet);
  if (!self) return refuse(self.error());
  (*self)->report(fleet::WorkerState::kStarting, 0);
  if (auto kept =
          keep_outcomes_in_table(role.context.get_executor(), *parts, profile, role.clock, role.random, role.log);
      !kept)
    return refuse(kept.error());
  auto models = model_options(profile, model_cache_dir(place->data_dir));
  if (!models) return refuse(models.error());
  const jobs::Names names = names_of(profile);
  const auto galleries = gallery::Galleries::open(*parts->store, names.gallery_bucket,
                                                  place->data_dir / "cache" / "galleries", role.clock);
  const auto worker =
      worker::Worker::create(to_options(profile, place->alone),
                             {*parts->queues, *parts->store, *galleries, std::move(*models), **self, role.clock,
                              role.log, [&, pool = profile.fleet_pool] { return parts->fleet->dismiss({*id}, pool); }});
  bool leaving = false;
  const auto leave = [&] {
    leaving = true;
    worker->drain();
  };
  // Who learned from the instance metadata service which instance it is, learns there too that its end is near.
  if (flags.instance_id.empty()) {
    auto imds = aws::Imds::open(role.context.get_executor(), aws::Imds::url_from_environment(), role.clock);
    if (!imds) return refuse(imds.error());
    watch_for_spot_notice(role, std::move(*imds), leave);
  }
  return run_role(role, make_and_run(role, *parts, *place, *worker, leaving), leave);
}

}  // namespace

Command add_worker(CLI::App& root) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("worker", "run one worker (the fleet starts them for you)");
  add_role_flags(*app, flags->role);
  app->add_option("--instance-id", flags->instance_id,
                  "which instance of the fleet this process is; else it asks the instance metadata service");
  app->add_option("--status-file", flags->status_file,
                  "where it tells the fleet what it does; else it sets tags of its instance");
  return {app, [flags] { return work(*flags); }};
}

}  // namespace facefleet::apps
