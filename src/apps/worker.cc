// facefleet worker: one worker process. The fleet starts it and says who it is.
#include "worker/worker.h"

#include "apps/cloud_parts.h"
#include "apps/command.h"
#include "apps/pipeline_options.h"
#include "apps/place.h"
#include "apps/role.h"

namespace facefleet::apps {
namespace {

struct Flags {
  std::string data = default_data_dir();
  std::string instance_id;
  std::string status_file;
};

Millis seconds(double value) { return Millis(static_cast<std::int64_t>(value * 1'000)); }

worker::Options to_options(const config::Profile& profile) {
  worker::Options options;
  options.names = names_of(profile);
  options.prefetch = static_cast<std::uint32_t>(profile.worker_prefetch);
  options.lease = seconds(profile.worker_lease_s);
  options.idle_poll = seconds(profile.worker_idle_poll_s);
  options.receives_max = static_cast<std::uint32_t>(profile.worker_receives_max);
  options.photo_retention = profile.retention_photo;
  options.reuse = profile.gateway_reuse;
  options.threshold = static_cast<float>(profile.vision_threshold);
  options.service_min = seconds(profile.lesson_service_s);
  return options;
}

int work(const Flags& flags) {
  Role role("worker " + flags.instance_id);
  const std::filesystem::path data_dir = flags.data;
  const auto loaded = load_profile_of(data_dir);
  if (!loaded) return refuse(loaded.error());
  auto self = fleet::open_status_file(flags.status_file, flags.instance_id, role.clock);
  if (!self) return refuse(self.error());
  (*self)->report(fleet::WorkerState::kStarting, 0);
  auto pipeline = pipeline_options(loaded->profile, model_cache_dir(data_dir));
  if (!pipeline) return refuse(pipeline.error());
  auto parts = open_cloud_parts(role.context.get_executor(), loaded->profile.fleet_instance_prefix,
                                static_cast<std::uint32_t>(loaded->profile.fleet_workers_max), role.clock, role.random);
  if (!parts) return refuse(parts.error());
  const jobs::Names names = names_of(loaded->profile);
  const auto galleries =
      gallery::Galleries::open(*parts->store, names.gallery_bucket, data_dir / "cache" / "galleries", role.clock);
  const auto worker = worker::Worker::create(
      to_options(loaded->profile),
      {*parts->queues, *parts->store, *galleries, std::move(*pipeline), **self, role.clock, role.log});
  return run_role(role, worker->run(), [&] { worker->drain(); });
}

}  // namespace

Command add_worker(CLI::App& root) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("worker", "run one worker (the fleet starts them for you)");
  app->add_option("--data", flags->data, "the system's data folder")->capture_default_str();
  app->add_option("--instance-id", flags->instance_id, "which instance of the fleet this process is")->required();
  app->add_option("--status-file", flags->status_file, "where it tells the fleet what it does")->required();
  return {app, [flags] { return work(*flags); }};
}

}  // namespace facefleet::apps
