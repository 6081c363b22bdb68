#include "fleet/backends/ec2/ec2_wire.h"

#include <array>
#include <charconv>

#include "aws/dates.h"
#include "aws/xml.h"
#include "net/http.h"

namespace facefleet::fleet::ec2 {
namespace {

template <class Number>
Number to_number(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

InstanceState state_of(std::string_view code_text) {
  constexpr std::array kStates = {InstanceState::kPending,    InstanceState::kRunning,  InstanceState::kShuttingDown,
                                  InstanceState::kTerminated, InstanceState::kStopping, InstanceState::kStopped};
  const int code = to_number<int>(code_text) & 0xFF;  // EC2 asks to ignore the high byte
  for (const InstanceState state : kStates)
    if (static_cast<int>(state) == code) return state;
  return InstanceState::kTerminated;
}

WorkerState worker_of(std::string_view text) {
  constexpr std::array kStates = {WorkerState::kStarting, WorkerState::kIdle, WorkerState::kBusy,
                                  WorkerState::kDraining};
  for (const WorkerState state : kStates)
    if (to_string(state) == text) return state;
  return WorkerState::kUnknown;
}

Instance read_instance(const aws::XmlElement& item) {
  Instance instance;
  instance.id = item.text("instanceId");
  instance.state = state_of(item.text("instanceState/code"));
  const std::string_view message = item.text("stateReason/message");
  instance.state_reason = message.empty() ? item.text("reason") : message;
  instance.image_id = item.text("imageId");
  instance.type = item.text("instanceType");
  instance.launched_ms = aws::parse_iso8601(item.text("launchTime")).value_or(0);
  instance.state_since_ms = instance.launched_ms;  // EC2 does not say
  for (const aws::XmlElement& tag : item.at("tagSet").children("item")) {
    const std::string_view key = tag.text("key");
    const std::string_view value = tag.text("value");
    if (key == "Name") {
      instance.name = value;
    } else if (key == "facefleet:worker") {
      instance.worker = worker_of(value);
    } else if (key == "facefleet:worker-since") {
      instance.worker_since_ms = to_number<std::int64_t>(value);
    } else if (key == "facefleet:jobs-done") {
      instance.jobs_done = to_number<std::int64_t>(value);
    } else if (key == "facefleet:pid") {
      instance.pid = to_number<int>(value);
    } else {
      instance.tags.emplace(key, value);
    }
  }
  return instance;
}

}  // namespace

Parameters::Parameters(std::string_view action) { out_.append("Action=").append(action).append("&Version=2016-11-15"); }

Parameters& Parameters::add(std::string_view name, std::string_view value) {
  out_.append("&").append(name).append("=").append(net::percent_encode(value));
  return *this;
}

Parameters& Parameters::add_list(std::string_view name, const std::vector<std::string>& values) {
  int number = 0;
  for (const std::string& value : values) add(std::string(name) + "." + std::to_string(++number), value);
  return *this;
}

Parameters& Parameters::add_tags(std::string_view name, const Tags& tags) {
  int number = 0;
  for (const auto& [key, value] : tags) {
    const std::string prefix = std::string(name) + "." + std::to_string(++number);
    add(prefix + ".Key", key).add(prefix + ".Value", value);
  }
  return *this;
}

Result<Page> read_instances(std::string_view body) {
  const auto document = aws::XmlDocument::parse(body);
  if (!document)
    return Error{Code::kUnavailable, "EC2 gave an answer that is not in its form: " + document.error().message,
                 "bad_answer"};
  Page page;
  const aws::XmlElement root = document->root();
  page.next = root.text("nextToken");
  const auto read_set = [&page](const aws::XmlElement& holder) {
    for (const aws::XmlElement& item : holder.at("instancesSet").children("item"))
      page.instances.push_back(read_instance(item));
  };
  read_set(root);  // RunInstances answers with one reservation, DescribeInstances with a set of them
  for (const aws::XmlElement& reservation : root.at("reservationSet").children("item")) read_set(reservation);
  return page;
}

std::map<std::string, InstanceState> read_changes(std::string_view body) {
  std::map<std::string, InstanceState> states;
  const auto document = aws::XmlDocument::parse(body);
  if (!document) return states;
  for (const aws::XmlElement& item : document->root().at("instancesSet").children("item"))
    states.emplace(item.text("instanceId"), state_of(item.text("currentState/code")));
  return states;
}

}  // namespace facefleet::fleet::ec2
