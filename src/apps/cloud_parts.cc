#include "apps/cloud_parts.h"

#include "fleet/backends/ec2/ec2_fleet.h"
#include "queue/backends/sqs/sqs_queue.h"
#include "store/backends/s3/s3_store.h"

namespace facefleet::apps {
namespace {

Result<std::unique_ptr<aws::Client>> open_client(const Executor& executor, const std::string& service,
                                                 const Clock& clock, Random& random) {
  auto endpoint = aws::endpoint_from_environment(service);
  if (!endpoint) return endpoint.error();
  return aws::Client::open(executor, std::move(*endpoint), service, clock, random);
}

}  // namespace

Result<CloudParts> open_cloud_parts(const Executor& executor, const std::string& instance_prefix,
                                    std::uint32_t workers_max, const Clock& clock, Random& random) {
  CloudParts parts;
  const std::vector<std::pair<std::string, std::unique_ptr<aws::Client>*>> services = {
      {"sqs", &parts.sqs_client}, {"s3", &parts.s3_client}, {"ec2", &parts.ec2_client}};
  for (const auto& [service, slot] : services) {
    auto client = open_client(executor, service, clock, random);
    if (!client) return client.error();
    *slot = std::move(*client);
  }
  parts.queues = queue::open_sqs_queues(*parts.sqs_client);
  parts.store = store::open_s3_store(*parts.s3_client);
  fleet::Ec2Options fleet_options;
  fleet_options.name_prefix = instance_prefix;
  fleet_options.cap = workers_max;
  parts.fleet = fleet::open_ec2_fleet(*parts.ec2_client, std::move(fleet_options), clock, random);
  return parts;
}

}  // namespace facefleet::apps
