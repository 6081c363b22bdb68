#include "localcloud/sqs/attributes.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/limits.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::string_view kRedrivePolicy = "RedrivePolicy";

// The attributes that are numbers, and within what (botocore sqs/2012-11-05).
struct NumberRow {
  std::string_view name;
  std::int64_t first, last;
  std::int64_t (*get)(const queue::Attributes& attributes);
  void (*set)(queue::Attributes& attributes, std::int64_t value);
};

std::int64_t to_seconds(Millis time) { return time.count() / 1'000; }

constexpr std::array kNumbers{
    NumberRow{"DelaySeconds", 0, limits::kQueueDelayMs / 1'000,
              [](const queue::Attributes& of) { return to_seconds(of.delay); },
              [](queue::Attributes& of, std::int64_t value) { of.delay = std::chrono::seconds(value); }},
    NumberRow{
        "MaximumMessageSize", 1'024, limits::kQueueMessageBytes,
        [](const queue::Attributes& of) { return static_cast<std::int64_t>(of.message_bytes_max); },
        [](queue::Attributes& of, std::int64_t value) { of.message_bytes_max = static_cast<std::uint32_t>(value); }},
    NumberRow{"MessageRetentionPeriod", 60, 1'209'600,
              [](const queue::Attributes& of) { return to_seconds(of.retention); },
              [](queue::Attributes& of, std::int64_t value) { of.retention = std::chrono::seconds(value); }},
    NumberRow{"ReceiveMessageWaitTimeSeconds", 0, limits::kQueueWaitMs / 1'000,
              [](const queue::Attributes& of) { return to_seconds(of.receive_wait); },
              [](queue::Attributes& of, std::int64_t value) { of.receive_wait = std::chrono::seconds(value); }},
    NumberRow{"VisibilityTimeout", 0, limits::kQueueLeaseMs / 1'000,
              [](const queue::Attributes& of) { return to_seconds(of.lease); },
              [](queue::Attributes& of, std::int64_t value) { of.lease = std::chrono::seconds(value); }},
};

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string redrive_policy(const Call& call, const queue::Attributes& attributes) {
  std::string policy = "{\"deadLetterTargetArn\":";
  aws::append_json_string(policy, queue_arn(call.service, attributes.dead_letter_queue));
  return policy + ",\"maxReceiveCount\":" + std::to_string(attributes.receives_max) + "}";
}

// {"deadLetterTargetArn": "arn:…", "maxReceiveCount": 5}; the count may be text. Empty: no dead-letter queue.
Result<void> apply_redrive_policy(queue::Attributes& attributes, const std::string& value) {
  attributes.dead_letter_queue.clear();
  attributes.receives_max = 0;
  if (value.empty()) return {};
  const auto policy = aws::parse_json(value);
  if (!policy) return invalid_parameter(value, kRedrivePolicy, "Redrive policy is not a valid JSON map.");
  const auto arn = policy->text_of("deadLetterTargetArn");
  const auto name = arn ? name_of_arn(*arn) : std::nullopt;
  if (!name) return invalid_parameter(value, kRedrivePolicy, "Invalid value for deadLetterTargetArn.");
  const auto count = to_number(policy->text_of("maxReceiveCount").value_or(""));
  if (!count || *count < 1 || *count > 1'000)
    return invalid_parameter(value, kRedrivePolicy, "Invalid value for maxReceiveCount: must be between 1 and 1000.");
  attributes.dead_letter_queue = *name;
  attributes.receives_max = static_cast<std::uint32_t>(*count);
  return {};
}

}  // namespace

Task<Result<void>> apply_attributes(Call& call, queue::Attributes& attributes) {
  for (const auto& [name, value] : call.parameters.map("Attributes", "Attribute")) {
    if (name == kRedrivePolicy) {
      if (auto applied = apply_redrive_policy(attributes, value); !applied) co_return applied.error();
      continue;
    }
    const auto row = std::ranges::find(kNumbers, name, &NumberRow::name);
    if (row == kNumbers.end()) co_return unknown_attribute(name);
    const auto number = to_number(value);
    if (!number || *number < row->first || *number > row->last) co_return invalid_attribute(name);
    row->set(attributes, *number);
  }
  if (!attributes.dead_letter_queue.empty()) {
    const auto there = co_await call.service.queues.open(attributes.dead_letter_queue);
    if (!there)
      co_return invalid_parameter(redrive_policy(call, attributes), kRedrivePolicy,
                                  "Dead letter target does not exist.");
  }
  co_return Result<void>();
}

NamedValues name_attributes(const Call& call, std::string_view queue_name, const queue::Attributes& attributes,
                            const queue::Counts& counts) {
  NamedValues all{
      {"ApproximateNumberOfMessages", std::to_string(counts.visible)},
      {"ApproximateNumberOfMessagesDelayed", std::to_string(counts.delayed)},
      {"ApproximateNumberOfMessagesNotVisible", std::to_string(counts.in_flight)},
      {"CreatedTimestamp", std::to_string(attributes.created_ms / 1'000)},
      {"LastModifiedTimestamp", std::to_string(attributes.modified_ms / 1'000)},
      {"QueueArn", queue_arn(call.service, queue_name)},
  };
  for (const NumberRow& row : kNumbers) all.emplace_back(row.name, std::to_string(row.get(attributes)));
  if (!attributes.dead_letter_queue.empty()) all.emplace_back(kRedrivePolicy, redrive_policy(call, attributes));
  return all;
}

std::optional<std::string> differing_attribute(const Call& call, const queue::Attributes& there,
                                               const queue::Attributes& wanted) {
  for (const auto& [name, value] : call.parameters.map("Attributes", "Attribute")) {
    const auto row = std::ranges::find(kNumbers, name, &NumberRow::name);
    const bool same = row != kNumbers.end() ? row->get(there) == row->get(wanted)
                                            : there.dead_letter_queue == wanted.dead_letter_queue &&
                                                  there.receives_max == wanted.receives_max;
    if (!same) return name;
  }
  return std::nullopt;
}

}  // namespace facefleet::localcloud::sqs
