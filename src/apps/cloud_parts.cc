#include "apps/cloud_parts.h"

#include "apps/place.h"
#include "base/file.h"
#include "fleet/backends/ec2/ec2_fleet.h"
#include "queue/backends/sqs/sqs_queue.h"
#include "store/backends/s3/s3_store.h"
#include "table/backends/dynamodb/dynamodb_tables.h"
#include "table/mounted_store.h"

namespace facefleet::apps {
namespace {

Result<std::unique_ptr<aws::Client>> open_client(const Executor& executor, const aws::Session& session,
                                                 const std::string& service, const Clock& clock, Random& random,
                                                 const std::string& region = "") {
  auto endpoint = session.endpoint(service, region);
  if (!endpoint) return endpoint.error();
  return aws::Client::open(executor, std::move(*endpoint), service, clock, random);
}

Result<fleet::Ec2Options> fleet_options(const config::Profile& profile) {
  fleet::Ec2Options options;
  options.name_prefix = profile.fleet_instance_prefix;
  options.cap = static_cast<std::uint32_t>(profile.fleet_workers_max);
  options.image_id = profile.fleet_image_id;
  options.instance_type = profile.fleet_instance_type;
  options.key_name = profile.fleet_key_name;
  options.subnet_id = profile.fleet_subnet_id;
  options.instance_profile = profile.fleet_instance_profile;
  options.security_group_ids = profile.fleet_security_groups;
  if (profile.fleet_user_data_file.empty()) return options;
  auto user_data = read_file(profile.fleet_user_data_file);
  if (!user_data)
    return Error{Code::kInvalidInput, "fleet.user_data_file: " + user_data.error().message, "user_data_file"};
  options.user_data = std::move(*user_data);
  return options;
}

}  // namespace

Result<CloudParts> open_cloud_parts(const Executor& executor, const config::Profile& profile, const Clock& clock,
                                    Random& random, const Log& log, bool tags_system) {
  CloudParts parts;
  auto session = aws::Session::open(executor, aws::process_environment(), clock, random, log);
  if (!session) return session.error();
  parts.session = std::move(*session);
  const std::vector<std::pair<std::string, std::unique_ptr<aws::Client>*>> services = {
      {"sqs", &parts.sqs_client}, {"s3", &parts.s3_client}, {"ec2", &parts.ec2_client}};
  for (const auto& [service, slot] : services) {
    auto client = open_client(executor, *parts.session, service, clock, random);
    if (!client) return client.error();
    *slot = std::move(*client);
  }
  parts.queues = queue::open_sqs_queues(*parts.sqs_client);
  parts.store = store::open_s3_store(*parts.s3_client);
  auto options = fleet_options(profile);
  if (!options) return options.error();
  if (tags_system) options->system = profile.id;
  parts.fleet = fleet::open_ec2_fleet(*parts.ec2_client, std::move(*options), clock, random);
  return parts;
}

std::string outcome_table(const config::Profile& profile) { return profile.id + "-dynamoDB"; }

Result<void> keep_outcomes_in_table(const Executor& executor, CloudParts& parts, const config::Profile& profile,
                                    const Clock& clock, Random& random, const Log& log) {
  if (profile.outcomes_in != "table") return {};
  auto client = open_client(executor, *parts.session, "dynamodb", clock, random, profile.outcomes_region);
  if (!client) return client.error();
  parts.dynamodb_client = std::move(*client);
  parts.tables = table::open_dynamodb_tables(*parts.dynamodb_client);
  parts.objects = std::move(parts.store);
  parts.store = table::open_mounted_store(
      *parts.objects, *parts.tables,
      {names_of(profile).job_bucket, std::string(jobs::kReusePrefix), outcome_table(profile)}, clock, log);
  return {};
}

}  // namespace facefleet::apps
