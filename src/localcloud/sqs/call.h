// What every SQS action is handed, and what they share. Thread rule: base/task.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/wire.h"
#include "base/clock.h"
#include "base/task.h"
#include "queue/queue.h"

namespace facefleet::localcloud::sqs {

// What the door hands to all its calls.
struct Service {
  queue::Queues& queues;
  std::string region;
  std::string account;
  const Clock& clock;
  Millis pause;  // after a purge before the next, and after a queue's deletion before one of its name
  // When a queue was last purged or deleted, by its name: SQS makes callers wait after either.
  std::map<std::string, MonoTime, std::less<>> purged = {};
  std::map<std::string, MonoTime, std::less<>> deleted = {};
};

// Whether `name` is in `times` (of `service`) with a moment less than its pause ago; forgets all that are older.
bool is_recent(const Service& service, std::map<std::string, MonoTime, std::less<>>& times, std::string_view name);

// One call, in whichever wire form; lives until its action has ended.
struct Call {
  Service& service;
  aws::Protocol protocol;
  std::string base_url;  // http://host:port as the caller named this server: where a QueueUrl must lead
  std::string consumer;  // X-Facefleet-Consumer: who receives; may be empty
  aws::Parameter parameters;
  aws::ResultWriter result{protocol};
};

// The queue that `QueueUrl` names: by URL, by path, or by its bare name, as SQS itself takes it.
Task<Result<std::shared_ptr<queue::Queue>>> open_queue(Call& call);

std::string queue_url(const Call& call, std::string_view name);
std::string queue_arn(const Service& service, std::string_view name);
// The name at the end of an ARN; nothing if it is no SQS ARN.
std::optional<std::string> name_of_arn(std::string_view arn);

// A queue's own error as SQS tells it.
Error from_queue(const Call& call, const Error& error);

// MissingParameter if it is not there or empty.
Result<std::string_view> required(const aws::Parameter& parameters, std::string_view name);
// Nothing where the parameter is absent; InvalidParameterValue, for the stated reason, if it is not a number of the
// range.
Result<std::optional<std::int64_t>> integer(const aws::Parameter& parameters, std::string_view name, std::int64_t first,
                                            std::int64_t last, std::string_view reason);

// A message's id in SQS's own spelling, a UUID: the 128 bits of ours (base/ids.h).
std::string message_id(std::string_view id);

}  // namespace facefleet::localcloud::sqs
