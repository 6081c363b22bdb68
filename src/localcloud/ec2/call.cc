#include "localcloud/ec2/call.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/clock.h"
#include "localcloud/ec2/instance_facts.h"

namespace facefleet::localcloud::ec2 {
namespace {

// `i-` and 8 or 17 hexadecimal digits.
bool is_instance_id(std::string_view id) {
  if (!id.starts_with("i-") || (id.size() != 10 && id.size() != 19)) return false;
  return std::ranges::all_of(id.substr(2), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool has_process(const fleet::Instance& instance) { return instance.pid != 0; }

struct Words {
  std::string_view reason, aws_code;
  Code code;  // EC2 answers 400 to all that the caller can mend
};
// EC2's own limits.
constexpr std::size_t kTagKeyBytes = 128;
constexpr std::size_t kTagValueBytes = 256;

constexpr std::string_view kWorkerTag = "facefleet:worker";
constexpr std::string_view kWorkerSinceTag = "facefleet:worker-since";
constexpr std::string_view kPidTag = "facefleet:pid";
constexpr std::string_view kJobsDoneTag = "facefleet:jobs-done";
constexpr std::array kWorkersOwnTags{kWorkerTag, kWorkerSinceTag, kPidTag, kJobsDoneTag};
constexpr const char* kRoleTag = "facefleet:role";  // of an instance that is no worker

constexpr std::array kWords{
    Words{"no_such_instance", "InvalidInstanceID.NotFound", Code::kInvalidInput},
    Words{"capacity", "InsufficientInstanceCapacity", Code::kBusy},
    Words{"state", "IncorrectInstanceState", Code::kInvalidInput},
    Words{"tag_limit", "TagLimitExceeded", Code::kInvalidInput},
    Words{"token", "IdempotentParameterMismatch", Code::kInvalidInput},
};

}  // namespace

Error ec2_error(Code code, std::string_view aws_code, std::string_view message) {
  return {code, std::string(message), std::string(aws_code)};
}

Result<std::vector<std::string>> instance_ids(const Call& call) {
  std::vector<std::string> ids;
  for (const aws::Parameter* id : call.parameters.list("InstanceId", "InstanceId")) {
    if (!is_instance_id(id->text))
      return ec2_error(Code::kInvalidInput, "InvalidInstanceID.Malformed", "Invalid id: \"" + id->text + "\"");
    ids.push_back(id->text);
  }
  return ids;
}

Result<std::vector<std::string>> resource_ids(const Call& call) {
  std::vector<std::string> ids;
  for (const aws::Parameter* id : call.parameters.list("ResourceId", "ResourceId")) {
    if (!is_instance_id(id->text))
      return ec2_error(Code::kInvalidInput, "InvalidID",
                       "The ID '" + id->text + "' is not valid; there are no other resources here than instances.");
    ids.push_back(id->text);
  }
  if (ids.empty())
    return ec2_error(Code::kInvalidInput, "MissingParameter", "The request must contain the parameter ResourceId");
  if (auto own = check_of_fleet(call, ids); !own) return own.error();
  return ids;
}

Result<std::vector<fleet::Instance>> select_instances(const std::vector<fleet::Instance>& all,
                                                      const std::vector<std::string>& ids) {
  std::vector<fleet::Instance> selected;
  std::vector<std::string> missing;
  for (const std::string& id : ids) {
    const auto found = std::ranges::find(all, id, &fleet::Instance::id);
    if (found == all.end()) {
      missing.push_back(id);
    } else if (std::ranges::find(selected, id, &fleet::Instance::id) == selected.end()) {
      selected.push_back(*found);
    }
  }
  if (missing.empty()) return selected;
  std::string names;
  for (const std::string& id : missing) names += (names.empty() ? "" : ", ") + id;
  return ec2_error(Code::kNotFound, "InvalidInstanceID.NotFound",
                   missing.size() == 1 ? "The instance ID '" + names + "' does not exist"
                                       : "The instance IDs '" + names + "' do not exist");
}

Error in_ec2_words(const Error& error) {
  const auto* row = std::ranges::find(kWords, error.reason, &Words::reason);
  return row == kWords.end() ? error : ec2_error(row->code, row->aws_code, error.message);
}

Task<Result<void>> change_states(Call& call, Change change) {
  const auto ids = instance_ids(call);
  if (!ids) co_return ids.error();
  if (ids->empty())
    co_return ec2_error(Code::kInvalidInput, "MissingParameter", "The request must contain the parameter InstanceId");
  if (auto own = check_of_fleet(call, *ids); !own) co_return own;
  const auto listed = co_await call.fleet.list();
  if (!listed) co_return listed.error();
  const auto before = select_instances(*listed, *ids);
  if (!before) co_return before.error();
  const auto changed = co_await (call.fleet.*change)(*ids);
  if (!changed) co_return in_ec2_words(changed.error());
  const auto after = co_await call.fleet.list();
  if (!after) co_return after.error();

  aws::XmlWriter xml(call.result);
  xml.open("instancesSet");
  for (const fleet::Instance& instance : *before) {
    const auto now = std::ranges::find(*after, instance.id, &fleet::Instance::id);
    xml.open("item");
    xml.text("instanceId", instance.id);
    write_state(xml, "currentState", now != after->end() ? now->state : fleet::InstanceState::kTerminated);
    write_state(xml, "previousState", instance.state);
    xml.close("item");
  }
  xml.close("instancesSet");
  co_return Result<void>();
}

Task<Result<std::vector<fleet::Instance>>> list_all(const Call& call) {
  auto listed = co_await call.fleet.list();
  if (listed && call.service.others)
    for (fleet::Instance& other : call.service.others()) listed->push_back(std::move(other));
  co_return listed;
}

Result<void> check_of_fleet(const Call& call, const std::vector<std::string>& ids) {
  if (!call.service.others) return {};
  for (const fleet::Instance& other : call.service.others())
    if (std::ranges::find(ids, other.id) != ids.end())
      return ec2_error(Code::kInvalidInput, "OperationNotPermitted",
                       "The instance '" + other.id + "' (" + other.name +
                           ") is the gateway: it runs as long as this system does and may be described only.");
  return {};
}

Result<std::map<std::string, std::optional<std::string>>> read_tags(const aws::Parameter& parameter) {
  std::map<std::string, std::optional<std::string>> tags;
  for (const aws::Parameter* tag : parameter.list("Tag", "Tag")) {
    const std::string key(tag->text_of("Key").value_or(""));
    const auto value = tag->text_of("Value");
    if (key.empty() || key.size() > kTagKeyBytes || value.value_or("").size() > kTagValueBytes)
      return ec2_error(
          Code::kInvalidInput, "InvalidParameterValue",
          "Tag '" + key.substr(0, kTagKeyBytes) + "' is invalid: a key has 1 to 128 characters, a value at most 256.");
    if (key.starts_with("aws:") || std::ranges::find(kWorkersOwnTags, key) != kWorkersOwnTags.end())
      return ec2_error(Code::kInvalidInput, "InvalidParameterValue", "Tag key '" + key + "' is reserved.");
    const auto [at, is_new] = tags.try_emplace(key);
    if (!is_new)
      return ec2_error(Code::kInvalidInput, "InvalidParameterValue", "Duplicate tag key '" + key + "' specified.");
    if (value) at->second = std::string(*value);
  }
  return tags;
}

Result<Page> read_page(const Call& call, std::size_t min, bool by_id) {
  Page page;
  const std::size_t most = page.max;
  page.after = call.parameters.text_of("NextToken").value_or("");
  const auto text = call.parameters.text_of("MaxResults");
  if (!text) return page;
  if (by_id)
    return ec2_error(Code::kInvalidInput, "InvalidParameterCombination",
                     "The parameter instancesSet cannot be used with the parameter maxResults");
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), page.max);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size() || page.max < min || page.max > most)
    return ec2_error(Code::kInvalidInput, "InvalidParameterValue",
                     "Value ( " + std::string(*text) +
                         " ) for parameter maxResults is invalid. Expecting a value "
                         "between " +
                         std::to_string(min) + " and 1000.");
  return page;
}

void write_state(aws::XmlWriter& xml, std::string_view element, fleet::InstanceState state) {
  xml.open(element);
  xml.number("code", static_cast<int>(state));
  xml.text("name", fleet::to_string(state));
  xml.close(element);
}

std::string reservation_id(const fleet::Instance& instance) {
  return "r" + instance.id.substr(std::min<std::size_t>(1, instance.id.size()));
}

std::vector<std::pair<std::string, std::string>> tags_of(const fleet::Instance& instance) {
  std::vector<std::pair<std::string, std::string>> tags;
  if (!instance.name.empty()) tags.emplace_back("Name", instance.name);
  if (has_process(instance)) {
    tags.emplace_back(kWorkerTag, fleet::to_string(instance.worker));
    tags.emplace_back(kWorkerSinceTag, std::to_string(instance.worker_since_ms));
    tags.emplace_back(kPidTag, std::to_string(instance.pid));
  }
  if (!instance.tags.contains(kRoleTag)) tags.emplace_back(kJobsDoneTag, std::to_string(instance.jobs_done));
  tags.insert(tags.end(), instance.tags.begin(), instance.tags.end());
  return tags;
}

void write_instance(aws::XmlWriter& xml, const Service& service, const fleet::Instance& instance) {
  xml.open("item");
  xml.text("instanceId", instance.id);
  xml.text("imageId", image_of(instance));
  write_state(xml, "instanceState", instance.state);
  xml.text("reason", instance.state_reason);
  xml.text("amiLaunchIndex", "0");
  xml.text("instanceType", type_of(instance));
  xml.text("launchTime", iso8601(instance.launched_ms));
  xml.open("placement");
  xml.text("availabilityZone", service.region + "a");
  xml.text("tenancy", "default");
  xml.close("placement");
  xml.open("monitoring");
  xml.text("state", "disabled");
  xml.close("monitoring");
  if (instance.state == fleet::InstanceState::kRunning) {
    xml.text("privateIpAddress", kAddress);
    xml.text("ipAddress", kAddress);  // the public one
  }
  if (!instance.state_reason.empty()) {
    xml.open("stateReason");
    xml.text("code", instance.state == fleet::InstanceState::kTerminated ? "Server.InstanceEnded"
                                                                         : "Client.UserInitiatedShutdown");
    xml.text("message", instance.state_reason);
    xml.close("stateReason");
  }
  xml.text("architecture", "x86_64");
  xml.open("tagSet");
  for (const auto& [key, value] : tags_of(instance)) {
    xml.open("item");
    xml.text("key", key);
    xml.text("value", value);
    xml.close("item");
  }
  xml.close("tagSet");
  xml.close("item");
}

}  // namespace facefleet::localcloud::ec2
