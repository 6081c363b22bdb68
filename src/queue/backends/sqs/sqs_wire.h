// SQS's JSON forms: what goes into a request, and what comes out of an answer. Pure functions.
// Source: the service model `sqs` of 2012-11-05, protocol json (AWS JSON 1.0).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "queue/queue.h"

namespace facefleet::queue::sqs {

// Rounded up: a lease or a delay is never shorter than what was asked.
std::int64_t to_seconds(Millis time);

// Writes one JSON object, field by field.
class ObjectWriter {
 public:
  ObjectWriter& text(std::string_view name, std::string_view value);
  ObjectWriter& number(std::string_view name, std::int64_t value);
  ObjectWriter& raw(std::string_view name, std::string_view json);
  std::string take();

 private:
  void name(std::string_view name);
  std::string out_ = "{";
};

std::string send_message(std::string_view queue_url, const Outgoing& message);
std::string send_message_batch(std::string_view queue_url, const std::vector<Outgoing>& messages);
std::string delete_message_batch(std::string_view queue_url, const std::vector<std::string>& receipts);
std::string receive_message(std::string_view queue_url, const Receive& request);
// `dead_letter_arn`: empty where there is no such queue. SQS takes the empty policy as "remove it", but not on
// creation.
std::string attributes_object(const Attributes& attributes, std::string_view dead_letter_arn, bool creating);

// All below: kUnavailable with reason `bad_answer` if `body` is not what SQS would send.
Result<std::string> read_text(std::string_view body, std::string_view name);  // one member of the answer
Result<std::vector<Message>> read_messages(std::string_view body);
Result<Counts> read_counts(std::string_view body);
Result<Attributes> read_attributes(std::string_view body);
Result<std::string> read_arn(std::string_view body);  // the attribute QueueArn
struct UrlPage {
  std::vector<std::string> urls;
  std::string next;  // empty on the last page
};
Result<UrlPage> read_urls(std::string_view body);
// The ids (or, for a removal, empty texts) of a batch of `count`, by position; each failed or succeeded by itself.
std::vector<Result<std::string>> read_batch(std::string_view body, std::size_t count);

}  // namespace facefleet::queue::sqs
