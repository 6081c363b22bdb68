#include "fleet/backends/ec2/ec2_fleet.h"

#include <algorithm>
#include <map>
#include <set>

#include "fleet/backends/ec2/ec2_wire.h"

namespace facefleet::fleet {
namespace {

constexpr Millis kCallTimeout{20'000};
constexpr Millis kListedAfter{60'000};  // by then EC2 lists what it launched, or never will
constexpr std::string_view kSystemTag = "facefleet:system";

Error translate(Error error) {
  if (error.reason == "InsufficientInstanceCapacity" || error.reason == "InstanceLimitExceeded" ||
      error.reason == "VcpuLimitExceeded") {
    error.code = Code::kBusy;
    error.reason = "capacity";
  }
  if (error.reason.starts_with("InvalidInstanceID.")) error.code = Code::kNotFound;
  return error;
}

Error no_capacity(std::uint32_t cap) {
  return Error{Code::kBusy, "The fleet is at its cap of " + std::to_string(cap) + " instances.", "capacity"};
}

// What the cap counts.
bool takes_room(const Instance& instance) {
  return instance.state == InstanceState::kPending || instance.state == InstanceState::kRunning ||
         instance.state == InstanceState::kShuttingDown || instance.state == InstanceState::kStopping;
}

class Ec2Fleet final : public Fleet {
 public:
  Ec2Fleet(aws::Client& client, Ec2Options options, const Clock& clock)
      : client_(client), options_(std::move(options)), clock_(clock) {}

  Task<Result<std::vector<Instance>>> list() override {
    std::vector<Instance> instances;
    std::string next;
    do {
      ec2::Parameters parameters("DescribeInstances");
      parameters.add("Filter.1.Name", "tag:Name").add("Filter.1.Value.1", options_.name_prefix + "*");
      if (!options_.system.empty())
        parameters.add("Filter.2.Name", "tag:" + std::string(kSystemTag)).add("Filter.2.Value.1", options_.system);
      parameters.add("MaxResults", "1000");
      if (!next.empty()) parameters.add("NextToken", next);
      const auto body = co_await call(parameters.take(), /*idempotent=*/true);
      if (!body) co_return body.error();
      auto page = ec2::read_instances(*body);
      if (!page) co_return page.error();
      std::move(page->instances.begin(), page->instances.end(), std::back_inserter(instances));
      next = std::move(page->next);
    } while (!next.empty());
    add_unlisted(instances);
    std::stable_sort(instances.begin(), instances.end(),
                     [](const Instance& a, const Instance& b) { return a.launched_ms < b.launched_ms; });
    co_return instances;
  }

  Task<Result<std::vector<Instance>>> launch(std::uint32_t count) override {
    if (count == 0) co_return Error{Code::kInvalidInput, "Launch at least one instance.", "no_count"};
    const auto seen = co_await list();
    if (!seen) co_return seen.error();
    const auto live = static_cast<std::uint32_t>(std::count_if(seen->begin(), seen->end(), takes_room));
    if (live >= options_.cap) co_return no_capacity(options_.cap);

    const auto body = co_await call(run_parameters(std::min(count, options_.cap - live)), /*idempotent=*/false);
    if (!body) co_return body.error();
    auto page = ec2::read_instances(*body);
    if (!page) co_return page.error();
    std::vector<Instance> launched = std::move(page->instances);
    co_await name(launched, *seen);
    for (const Instance& instance : launched) unlisted_[instance.id] = {instance, clock_.now()};
    co_return launched;
  }

  Task<Result<void>> terminate(std::vector<std::string> ids) override {
    const std::set<std::string> distinct(ids.begin(), ids.end());
    if (distinct.empty()) co_return Result<void>();
    ec2::Parameters parameters("TerminateInstances");
    int number = 0;
    for (const std::string& id : distinct) parameters.add("InstanceId." + std::to_string(++number), id);
    const auto body = co_await call(parameters.take(), /*idempotent=*/true);
    if (!body) co_return body.error();
    co_return Result<void>();
  }

  std::uint32_t cap() const override { return options_.cap; }

 private:
  struct Launched {
    Instance instance;
    MonoTime when;
  };

  Task<Result<Bytes>> call(std::string parameters, bool idempotent) {
    net::HttpRequest request;
    request.method = "POST";
    request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    request.body = std::move(parameters);
    auto response = co_await client_.call(std::move(request), kCallTimeout, idempotent);
    if (!response) co_return translate(response.error());
    co_return std::move(response->body);
  }

  std::string run_parameters(std::uint32_t count) const {
    ec2::Parameters parameters("RunInstances");
    parameters.add("ImageId", options_.image_id).add("InstanceType", options_.instance_type);
    parameters.add("MinCount", "1").add("MaxCount", std::to_string(count));
    // One tag set serves all: the prefix makes them this fleet's from the start, their numbers follow.
    parameters.add("TagSpecification.1.ResourceType", "instance");
    parameters.add("TagSpecification.1.Tag.1.Key", "Name").add("TagSpecification.1.Tag.1.Value", options_.name_prefix);
    if (!options_.system.empty())
      parameters.add("TagSpecification.1.Tag.2.Key", kSystemTag).add("TagSpecification.1.Tag.2.Value", options_.system);
    return parameters.take();
  }

  // Numbers those of `launched` that the service left with the prefix alone. A name is for people: one that cannot be
  // given is no reason to call the launch a failure.
  Task<> name(std::vector<Instance>& launched, const std::vector<Instance>& seen) {
    std::set<std::string> taken;
    for (const Instance& instance : seen)
      if (takes_room(instance)) taken.insert(instance.name);
    int number = 1;
    for (Instance& instance : launched) {
      if (!instance.name.empty() && instance.name != options_.name_prefix) continue;
      while (taken.contains(options_.name_prefix + std::to_string(number))) ++number;
      std::string name = options_.name_prefix + std::to_string(number++);
      ec2::Parameters parameters("CreateTags");
      parameters.add("ResourceId.1", instance.id).add("Tag.1.Key", "Name").add("Tag.1.Value", name);
      const auto named = co_await call(parameters.take(), /*idempotent=*/true);
      if (named) instance.name = std::move(name);
    }
  }

  // Adds what was launched here and is not among `listed` yet.
  void add_unlisted(std::vector<Instance>& listed) {
    for (const Instance& instance : listed) unlisted_.erase(instance.id);
    std::erase_if(unlisted_,
                  [now = clock_.now()](const auto& entry) { return now - entry.second.when > kListedAfter; });
    for (const auto& [id, launched] : unlisted_) listed.push_back(launched.instance);
  }

  aws::Client& client_;
  const Ec2Options options_;
  const Clock& clock_;
  std::map<std::string, Launched> unlisted_;  // by id
};

}  // namespace

std::unique_ptr<Fleet> open_ec2_fleet(aws::Client& client, Ec2Options options, const Clock& clock) {
  return std::make_unique<Ec2Fleet>(client, std::move(options), clock);
}

}  // namespace facefleet::fleet
