#include "queue/backends/sqs/sqs_wire.h"

#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "aws/error_forms.h"
#include "aws/wire.h"

namespace facefleet::queue::sqs {
namespace {

namespace json = boost::json;

Error bad_answer(std::string_view why) {
  return Error{Code::kUnavailable, "SQS gave an answer that is not in its form: " + std::string(why), "bad_answer"};
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

const json::object* object_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found == nullptr ? nullptr : found->if_object();
}

const json::array* array_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found == nullptr ? nullptr : found->if_array();
}

// An answer, parsed into memory that it brings along: one allocation for all but the longest.
class Answer {
 public:
  explicit Answer(std::string_view body) : memory_(stack_.data(), stack_.size()) {
    boost::system::error_code failed;
    value_ = json::parse(body, failed, &memory_);
    if (failed || !value_.is_object()) value_ = nullptr;
  }
  // The outermost object; null if the body was none.
  const json::object* object() const { return value_.if_object(); }
  const json::object* attributes() const { return object() == nullptr ? nullptr : object_of(*object(), "Attributes"); }

 private:
  std::array<unsigned char, 4'096> stack_;
  json::monotonic_resource memory_;
  json::value value_;
};

// SQS writes the numbers among its attributes as text.
std::int64_t number_of(const json::object* object, std::string_view name) {
  if (object == nullptr) return 0;
  const json::value* found = object->if_contains(name);
  if (found == nullptr) return 0;
  if (const auto* number = found->if_int64()) return *number;
  std::int64_t value = 0;
  const std::string_view text = text_of(*object, name);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view after_last(std::string_view text, char mark) { return text.substr(text.rfind(mark) + 1); }

std::int64_t to_millis(std::int64_t seconds) { return seconds * 1'000; }

}  // namespace

std::int64_t to_seconds(Millis time) { return (time.count() + 999) / 1'000; }

void ObjectWriter::name(std::string_view name) {
  if (out_.back() != '{') out_ += ',';
  out_.append("\"").append(name).append("\":");
}

ObjectWriter& ObjectWriter::text(std::string_view field, std::string_view value) {
  name(field);
  aws::append_json_string(out_, value);
  return *this;
}

ObjectWriter& ObjectWriter::number(std::string_view field, std::int64_t value) {
  return raw(field, std::to_string(value));
}

ObjectWriter& ObjectWriter::raw(std::string_view field, std::string_view json) {
  name(field);
  out_ += json;
  return *this;
}

std::string ObjectWriter::take() {
  out_ += '}';
  return std::move(out_);
}

std::string send_message(std::string_view queue_url, const Outgoing& message) {
  ObjectWriter object;
  object.text("QueueUrl", queue_url).text("MessageBody", message.body);
  if (message.delay.count() > 0) object.number("DelaySeconds", to_seconds(message.delay));
  return object.take();
}

namespace {

// [{"Id":"0",…},{"Id":"1",…}], each filled in by `fill`.
template <class Items, class Fill>
std::string entries_array(const Items& items, Fill fill) {
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    ObjectWriter entry;
    entry.text("Id", std::to_string(i));
    fill(entry, items[i]);
    if (i > 0) out += ',';
    out += entry.take();
  }
  out += ']';
  return out;
}

std::string batch_object(std::string_view queue_url, std::string_view entries) {
  ObjectWriter object;
  return object.text("QueueUrl", queue_url).raw("Entries", entries).take();
}

}  // namespace

std::string send_message_batch(std::string_view queue_url, const std::vector<Outgoing>& messages) {
  return batch_object(queue_url, entries_array(messages, [](ObjectWriter& entry, const Outgoing& message) {
                        entry.text("MessageBody", message.body);
                        if (message.delay.count() > 0) entry.number("DelaySeconds", to_seconds(message.delay));
                      }));
}

std::string delete_message_batch(std::string_view queue_url, const std::vector<std::string>& receipts) {
  return batch_object(queue_url, entries_array(receipts, [](ObjectWriter& entry, const std::string& receipt) {
                        entry.text("ReceiptHandle", receipt);
                      }));
}

std::string receive_message(std::string_view queue_url, const Receive& request) {
  ObjectWriter object;
  object.text("QueueUrl", queue_url)
      .number("MaxNumberOfMessages", request.max)
      .number("WaitTimeSeconds", to_seconds(request.wait))
      .raw("MessageSystemAttributeNames",
           R"(["ApproximateReceiveCount","SentTimestamp","ApproximateFirstReceiveTimestamp"])");
  if (request.lease) object.number("VisibilityTimeout", to_seconds(*request.lease));
  return object.take();
}

std::string attributes_object(const Attributes& attributes, std::string_view dead_letter_arn, bool creating) {
  ObjectWriter object;
  object.text("VisibilityTimeout", std::to_string(to_seconds(attributes.lease)))
      .text("DelaySeconds", std::to_string(to_seconds(attributes.delay)))
      .text("ReceiveMessageWaitTimeSeconds", std::to_string(to_seconds(attributes.receive_wait)))
      .text("MessageRetentionPeriod", std::to_string(to_seconds(attributes.retention)))
      .text("MaximumMessageSize", std::to_string(attributes.message_bytes_max));
  if (!dead_letter_arn.empty()) {
    ObjectWriter policy;
    policy.text("deadLetterTargetArn", dead_letter_arn)
        .text("maxReceiveCount", std::to_string(attributes.receives_max));
    object.text("RedrivePolicy", policy.take());
  } else if (!creating) {
    object.text("RedrivePolicy", "");
  }
  return object.take();
}

Result<std::string> read_text(std::string_view body, std::string_view name) {
  const Answer answer(body);
  if (answer.object() == nullptr) return bad_answer("no JSON object");
  const std::string_view text = text_of(*answer.object(), name);
  if (text.empty()) return bad_answer("without " + std::string(name));
  return std::string(text);
}

Result<std::vector<Message>> read_messages(std::string_view body) {
  const Answer answer(body);
  if (answer.object() == nullptr) return bad_answer("no JSON object");
  std::vector<Message> messages;
  const json::array* items = array_of(*answer.object(), "Messages");
  if (items == nullptr) return messages;
  messages.reserve(items->size());
  for (const json::value& item : *items) {
    const json::object* object = item.if_object();
    if (object == nullptr) return bad_answer("a message that is no object");
    const json::object* attributes = object_of(*object, "Attributes");
    Message& message = messages.emplace_back();
    message.id = text_of(*object, "MessageId");
    message.body = text_of(*object, "Body");
    message.receipt = text_of(*object, "ReceiptHandle");
    message.receive_count = static_cast<std::uint32_t>(number_of(attributes, "ApproximateReceiveCount"));
    message.sent_ms = number_of(attributes, "SentTimestamp");
    message.first_received_ms = number_of(attributes, "ApproximateFirstReceiveTimestamp");
    if (message.receipt.empty()) return bad_answer("a message without ReceiptHandle");
  }
  return messages;
}

Result<Counts> read_counts(std::string_view body) {
  const Answer answer(body);
  const json::object* attributes = answer.attributes();
  if (attributes == nullptr) return bad_answer("without Attributes");
  Counts counts;
  counts.visible = static_cast<std::uint64_t>(number_of(attributes, "ApproximateNumberOfMessages"));
  counts.in_flight = static_cast<std::uint64_t>(number_of(attributes, "ApproximateNumberOfMessagesNotVisible"));
  counts.delayed = static_cast<std::uint64_t>(number_of(attributes, "ApproximateNumberOfMessagesDelayed"));
  return counts;
}

Result<Attributes> read_attributes(std::string_view body) {
  const Answer answer(body);
  const json::object* object = answer.attributes();
  if (object == nullptr) return bad_answer("without Attributes");
  Attributes attributes;
  attributes.lease = Millis(to_millis(number_of(object, "VisibilityTimeout")));
  attributes.delay = Millis(to_millis(number_of(object, "DelaySeconds")));
  attributes.receive_wait = Millis(to_millis(number_of(object, "ReceiveMessageWaitTimeSeconds")));
  attributes.retention = Millis(to_millis(number_of(object, "MessageRetentionPeriod")));
  attributes.message_bytes_max = static_cast<std::uint32_t>(number_of(object, "MaximumMessageSize"));
  attributes.created_ms = to_millis(number_of(object, "CreatedTimestamp"));
  attributes.modified_ms = to_millis(number_of(object, "LastModifiedTimestamp"));
  if (const std::string_view policy_text = text_of(*object, "RedrivePolicy"); !policy_text.empty()) {
    const Answer policy(policy_text);
    if (policy.object() == nullptr) return bad_answer("a RedrivePolicy that is no JSON object");
    attributes.dead_letter_queue = after_last(text_of(*policy.object(), "deadLetterTargetArn"), ':');
    attributes.receives_max = static_cast<std::uint32_t>(number_of(policy.object(), "maxReceiveCount"));
  }
  return attributes;
}

Result<std::string> read_arn(std::string_view body) {
  const Answer answer(body);
  const json::object* attributes = answer.attributes();
  if (attributes == nullptr) return bad_answer("without Attributes");
  return std::string(text_of(*attributes, "QueueArn"));
}

Result<UrlPage> read_urls(std::string_view body) {
  const Answer answer(body);
  if (answer.object() == nullptr) return bad_answer("no JSON object");
  UrlPage page;
  page.next = text_of(*answer.object(), "NextToken");
  if (const json::array* urls = array_of(*answer.object(), "QueueUrls"))
    for (const json::value& url : *urls)
      if (url.is_string()) page.urls.emplace_back(url.get_string());
  return page;
}

std::vector<Result<std::string>> read_batch(std::string_view body, std::size_t count) {
  std::vector<Result<std::string>> results(count, bad_answer("an entry of the batch is missing"));
  const Answer answer(body);
  if (answer.object() == nullptr) return results;
  // The result that an entry's Id names; null where it names none.
  const auto slot_of = [&results](const json::object& entry) -> Result<std::string>* {
    const std::string_view id = text_of(entry, "Id");
    std::size_t index = results.size();
    std::from_chars(id.data(), id.data() + id.size(), index);
    return index < results.size() ? &results[index] : nullptr;
  };
  if (const json::array* successful = array_of(*answer.object(), "Successful"))
    for (const json::value& entry : *successful)
      if (const json::object* object = entry.if_object())
        if (auto* slot = slot_of(*object)) *slot = std::string(text_of(*object, "MessageId"));
  if (const json::array* failed = array_of(*answer.object(), "Failed"))
    for (const json::value& entry : *failed) {
      const json::object* object = entry.if_object();
      auto* slot = object == nullptr ? nullptr : slot_of(*object);
      if (slot == nullptr) continue;
      const json::value* fault = object->if_contains("SenderFault");
      const int status = fault != nullptr && fault->is_bool() && fault->get_bool() ? 400 : 500;
      const std::string reason(text_of(*object, "Code"));
      *slot = Error{aws::code_of(reason, status), std::string(text_of(*object, "Message")), reason};
    }
  return results;
}

}  // namespace facefleet::queue::sqs
