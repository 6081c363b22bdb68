#include "localcloud/ec2/call.h"

#include <algorithm>

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
  std::vector<std::pair<std::string, std::string>> tags{{"Name", instance.name}};
  if (has_process(instance)) {
    tags.emplace_back("facefleet:worker", fleet::to_string(instance.worker));
    tags.emplace_back("facefleet:worker-since", std::to_string(instance.worker_since_ms));
    tags.emplace_back("facefleet:pid", std::to_string(instance.pid));
  }
  tags.emplace_back("facefleet:jobs-done", std::to_string(instance.jobs_done));
  tags.insert(tags.end(), instance.tags.begin(), instance.tags.end());
  return tags;
}

void write_instance(aws::XmlWriter& xml, const Service& service, const fleet::Instance& instance) {
  xml.open("item");
  xml.text("instanceId", instance.id);
  xml.text("imageId", kImageId);
  write_state(xml, "instanceState", instance.state);
  xml.text("reason", instance.state_reason);
  xml.text("amiLaunchIndex", "0");
  xml.text("instanceType", kInstanceType);
  xml.text("launchTime", iso8601(instance.launched_ms));
  xml.open("placement");
  xml.text("availabilityZone", service.region + "a");
  xml.text("tenancy", "default");
  xml.close("placement");
  xml.open("monitoring");
  xml.text("state", "disabled");
  xml.close("monitoring");
  if (has_process(instance)) xml.text("privateIpAddress", kAddress);
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
