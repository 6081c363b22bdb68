#include "fleet/backends/ec2/ec2_fleet.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/hash.h"
#include "fleet/backends/ec2/ec2_wire.h"

namespace facefleet::fleet {
namespace {

constexpr Millis kCallTimeout{20'000};
constexpr Millis kListedAfter{60'000};  // by then EC2 lists what it launched, or never will
constexpr Millis kBelief{10'000};       // by then it shows that an instance was started, stopped or terminated
constexpr Millis kFresh{1'000};         // what was listed so lately is not asked again before a launch or a start
constexpr std::string_view kSystemTag = "facefleet:system";

struct Translation {
  std::string_view aws_code;
  Code code;
  std::string_view reason;
};
constexpr std::array kTranslations{
    Translation{"InsufficientInstanceCapacity", Code::kBusy, "capacity"},
    Translation{"InstanceLimitExceeded", Code::kBusy, "capacity"},
    Translation{"VcpuLimitExceeded", Code::kBusy, "capacity"},
    Translation{"IncorrectInstanceState", Code::kConflict, "state"},
    Translation{"IdempotentParameterMismatch", Code::kConflict, "token"},
    Translation{"TagLimitExceeded", Code::kInvalidInput, "tag_limit"},
};

Error translate(Error error) {
  const auto* known = std::ranges::find(kTranslations, error.reason, &Translation::aws_code);
  if (known != kTranslations.end()) {
    error.code = known->code;
    error.reason = known->reason;
  }
  if (error.reason.starts_with("InvalidInstanceID.")) error.code = Code::kNotFound;
  return error;
}

Error no_capacity(std::uint32_t cap) {
  return Error{Code::kBusy, "The fleet is at its cap of " + std::to_string(cap) + " instances.", "capacity"};
}

std::uint32_t count_live(const std::vector<Instance>& instances) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(instances, [](const Instance& instance) { return takes_room(instance.state); }));
}

std::vector<std::string> distinct(std::vector<std::string> ids) {
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

class Ec2Fleet final : public Fleet {
 public:
  Ec2Fleet(aws::Client& client, Ec2Options options, const Clock& clock, Random& random)
      : client_(client), options_(std::move(options)), clock_(clock), random_(random) {}

  Task<Result<std::vector<Instance>>> list() override {
    std::vector<Instance> instances;
    std::string next;
    do {
      ec2::Parameters parameters("DescribeInstances");
      parameters.add("Filter.1.Name", "tag:Name").add("Filter.1.Value.1", options_.name_prefix + "*");
      parameters.add("MaxResults", "1000");
      if (!next.empty()) parameters.add("NextToken", next);
      const auto body = co_await call(parameters.take());
      if (!body) co_return body.error();
      auto page = ec2::read_instances(*body);
      if (!page) co_return page.error();
      std::ranges::copy_if(page->instances, std::back_inserter(instances),
                           [this](const Instance& instance) { return is_ours(instance); });
      next = std::move(page->next);
    } while (!next.empty());
    seen_ = std::move(instances);
    seen_at_ = clock_.now();
    forget_what_shows();
    co_return as_told();
  }

  // A launch of which nobody knows whether it happened is repeated with the same token, which cannot launch twice.
  Task<Result<std::vector<Instance>>> launch(Launch launch) override {
    if (launch.count == 0 || launch.at_least > launch.count)
      co_return Error{Code::kInvalidInput, "Launch at least one instance, and no fewer than are needed.", "count"};
    const auto seen = co_await recent();
    if (!seen) co_return seen.error();
    auto settled = settle(std::move(launch), options_.cap - std::min(options_.cap, count_live(*seen)));
    if (!settled) co_return settled.error();
    const auto body = co_await call(run_parameters(*settled));
    Result<ec2::Page> page = body ? ec2::read_instances(*body) : Result<ec2::Page>(body.error());
    if (!page) {
      const Code code = page.error().code;
      if (code == Code::kUnavailable || code == Code::kTimedOut) unsure_ = std::move(*settled);
      co_return page.error();
    }
    std::vector<Instance> launched = std::move(page->instances);
    co_await name(launched, *seen);
    const MonoTime until = clock_.now() + kListedAfter;
    for (const Instance& instance : launched) told_[instance.id] = {instance, until};
    co_return launched;
  }

  Task<Result<void>> start(std::vector<std::string> ids) override {
    ids = distinct(std::move(ids));
    const auto seen = co_await recent();
    if (!seen) co_return seen.error();
    const auto stopped = std::ranges::count_if(*seen, [&ids](const Instance& instance) {
      return instance.state == InstanceState::kStopped && std::ranges::binary_search(ids, instance.id);
    });
    if (stopped > 0 && count_live(*seen) + static_cast<std::uint32_t>(stopped) > options_.cap)
      co_return no_capacity(options_.cap);
    co_return co_await change("StartInstances", std::move(ids), InstanceState::kPending);
  }

  Task<Result<void>> stop(std::vector<std::string> ids) override {
    return change("StopInstances", distinct(std::move(ids)), InstanceState::kStopping);
  }

  Task<Result<void>> terminate(std::vector<std::string> ids) override {
    return change("TerminateInstances", distinct(std::move(ids)), InstanceState::kShuttingDown);
  }

  Task<Result<void>> create_tags(std::vector<std::string> ids, Tags tags) override {
    ec2::Parameters parameters("CreateTags");
    parameters.add_list("ResourceId", ids).add_tags("Tag", tags);
    const auto body = co_await call(parameters.take());
    if (!body) co_return body.error();
    seen_at_ = {};
    co_return Result<void>();
  }

  Task<Result<void>> delete_tags(std::vector<std::string> ids,
                                 std::map<std::string, std::optional<std::string>> keys) override {
    ec2::Parameters parameters("DeleteTags");
    parameters.add_list("ResourceId", ids);
    int number = 0;
    for (const auto& [key, value] : keys) {
      const std::string tag = "Tag." + std::to_string(++number);
      parameters.add(tag + ".Key", key);
      if (value) parameters.add(tag + ".Value", *value);
    }
    const auto body = co_await call(parameters.take());
    if (!body) co_return body.error();
    seen_at_ = {};
    co_return Result<void>();
  }

  std::uint32_t cap() const override { return options_.cap; }

 private:
  // An instance as EC2 acknowledged that it will be.
  struct Told {
    Instance instance;
    MonoTime until;
  };
  struct Sent {
    Launch asked, sent;
  };

  bool is_ours(const Instance& instance) const {
    const auto system = instance.tags.find(std::string(kSystemTag));
    return options_.system.empty() || system == instance.tags.end() || system->second == options_.system;
  }

  // What is sent for `launch`, where the cap has room for `free`. A token's second launch must say what its first said,
  // whatever the cap allows by now: the fleet's own token is used again where nobody knows whether the first happened.
  Result<Launch> settle(Launch launch, std::uint32_t free) {
    if (launch.token.empty() && unsure_ && unsure_->count <= free) return *std::exchange(unsure_, std::nullopt);
    unsure_.reset();
    if (const auto earlier = sent_.find(launch.token); earlier != sent_.end())
      return launch == earlier->second.asked ? earlier->second.sent : launch;
    if (free < std::max(launch.at_least, 1u)) return no_capacity(options_.cap);
    Launch sent = launch;
    sent.count = std::min(launch.count, free);
    if (launch.token.empty()) {
      sent.token = make_id(clock_.wall_ms(), random_);
    } else {
      sent_.emplace(launch.token, Sent{launch, sent});
    }
    return sent;
  }

  Task<Result<Bytes>> call(std::string parameters) {
    net::HttpRequest request;
    request.method = "POST";
    request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    request.body = std::move(parameters);
    auto response = co_await client_.call(std::move(request), kCallTimeout, /*idempotent=*/true);
    if (!response) co_return translate(response.error());
    co_return std::move(response->body);
  }

  // What was listed a moment ago, with all that was told since; else a new list.
  Task<Result<std::vector<Instance>>> recent() {
    if (seen_at_ == MonoTime{} || clock_.now() - seen_at_ > kFresh) return list();
    return known();
  }
  Task<Result<std::vector<Instance>>> known() { co_return as_told(); }

  // Start, stop or terminate: EC2 answers with the states that they now have.
  Task<Result<void>> change(std::string action, std::vector<std::string> ids, InstanceState otherwise) {
    if (ids.empty()) co_return Result<void>();
    ec2::Parameters parameters(action);
    parameters.add_list("InstanceId", ids);
    const auto body = co_await call(parameters.take());
    if (!body) co_return body.error();
    const auto states = ec2::read_changes(*body);
    for (Instance& instance : as_told()) {
      if (!std::ranges::binary_search(ids, instance.id)) continue;
      const auto state = states.find(instance.id);
      instance.state = state != states.end() ? state->second : otherwise;
      std::string id = instance.id;
      told_[std::move(id)] = {std::move(instance), clock_.now() + kBelief};
    }
    co_return Result<void>();
  }

  std::string run_parameters(const Launch& launch) const {
    ec2::Parameters parameters("RunInstances");
    const auto add = [&parameters](std::string_view name, std::string_view value) {
      if (!value.empty()) parameters.add(name, value);
    };
    add("ImageId", launch.image_id.empty() ? options_.image_id : launch.image_id);
    add("InstanceType", launch.type.empty() ? options_.instance_type : launch.type);
    add("KeyName", options_.key_name);
    add("SubnetId", options_.subnet_id);
    add("IamInstanceProfile.Name", options_.instance_profile);
    parameters.add_list("SecurityGroupId", options_.security_group_ids);
    if (!options_.user_data.empty()) add("UserData", base64(options_.user_data));
    parameters.add("MinCount", std::to_string(std::max(launch.at_least, 1u)));
    parameters.add("MaxCount", std::to_string(launch.count)).add("ClientToken", launch.token);
    // One tag set serves all: the prefix makes them this fleet's from the start, their numbers follow.
    Tags tags = launch.tags;
    tags.try_emplace("Name", options_.name_prefix);
    if (!options_.system.empty()) tags.insert_or_assign(std::string(kSystemTag), options_.system);
    parameters.add("TagSpecification.1.ResourceType", "instance").add_tags("TagSpecification.1.Tag", tags);
    return parameters.take();
  }

  // Numbers those of `launched` that the service left with the prefix alone. A name is for people: one that cannot be
  // given is no reason to call the launch a failure.
  Task<> name(std::vector<Instance>& launched, const std::vector<Instance>& seen) {
    std::set<std::string> taken;
    for (const Instance& instance : seen)
      if (instance.state != InstanceState::kTerminated) taken.insert(instance.name);
    int number = 1;
    for (Instance& instance : launched) {
      if (!instance.name.empty() && instance.name != options_.name_prefix) continue;
      while (taken.contains(options_.name_prefix + std::to_string(number))) ++number;
      std::string name = options_.name_prefix + std::to_string(number++);
      ec2::Parameters parameters("CreateTags");
      parameters.add("ResourceId.1", instance.id).add("Tag.1.Key", "Name").add("Tag.1.Value", name);
      const auto named = co_await call(parameters.take());
      if (named) instance.name = std::move(name);
    }
  }

  // Drops what EC2 shows by now: a state other than the one that was left, or no longer within reach of belief.
  void forget_what_shows() {
    std::erase_if(told_, [now = clock_.now()](const auto& entry) { return now > entry.second.until; });
    for (const Instance& listed : seen_) {
      const auto told = told_.find(listed.id);
      if (told != told_.end() && !lags_behind(listed.state, told->second.instance.state)) told_.erase(told);
    }
  }

  // Whether EC2 may come from `listed` to `told` in what it shows, and so has not shown it yet.
  static bool lags_behind(InstanceState listed, InstanceState told) {
    switch (told) {
      case InstanceState::kPending: return listed == InstanceState::kStopped || listed == InstanceState::kStopping;
      case InstanceState::kStopping:
      case InstanceState::kStopped: return listed == InstanceState::kRunning || listed == InstanceState::kPending;
      case InstanceState::kShuttingDown:
      case InstanceState::kTerminated:
        return listed != InstanceState::kShuttingDown && listed != InstanceState::kTerminated;
      case InstanceState::kRunning: return false;
    }
    return false;
  }

  // What EC2 listed last, and over it what it was told since. Oldest first.
  std::vector<Instance> as_told() const {
    std::vector<Instance> instances = seen_;
    for (const auto& [id, told] : told_) {
      const auto listed = std::ranges::find(instances, id, &Instance::id);
      if (listed == instances.end()) {
        instances.push_back(told.instance);
      } else if (lags_behind(listed->state, told.instance.state)) {
        listed->state = told.instance.state;
      }
    }
    std::ranges::stable_sort(instances, {}, &Instance::launched_ms);
    return instances;
  }

  aws::Client& client_;
  const Ec2Options options_;
  const Clock& clock_;
  Random& random_;
  std::vector<Instance> seen_;  // as EC2 listed them
  MonoTime seen_at_{};
  std::map<std::string, Told> told_;  // by id: what EC2 acknowledged and may not show yet
  std::map<std::string, Sent> sent_;  // by token, of launches that brought their own
  std::optional<Launch> unsure_;      // may have happened or not: its answer never came
};

}  // namespace

std::unique_ptr<Fleet> open_ec2_fleet(aws::Client& client, Ec2Options options, const Clock& clock, Random& random) {
  return std::make_unique<Ec2Fleet>(client, std::move(options), clock, random);
}

}  // namespace facefleet::fleet
