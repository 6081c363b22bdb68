#include "queue/backends/sqs/sqs_queue.h"

#include <algorithm>
#include <map>

#include "aws/wire.h"
#include "base/limits.h"
#include "queue/backends/sqs/coalescer.h"
#include "queue/backends/sqs/sqs_wire.h"

namespace facefleet::queue {
namespace {

constexpr Millis kCallTimeout{10'000};  // of anything but a long poll's waiting

// `action` with its JSON body; the answer's body. The header names the consumer to a service that can make use of it.
Task<Result<Bytes>> invoke(aws::Client& client, std::string_view action, std::string body, Millis timeout,
                           bool idempotent, std::string consumer = {}, Millis least = Millis{0}) {
  net::HttpRequest request;
  request.method = "POST";
  request.headers.add("Content-Type", "application/x-amz-json-1.0");
  std::string target = "AmazonSQS.";
  target += action;
  request.headers.add("X-Amz-Target", std::move(target));
  if (!consumer.empty()) request.headers.add("X-Facefleet-Consumer", std::move(consumer));
  request.body = std::move(body);
  auto response = co_await client.call(std::move(request), timeout, idempotent, least);
  if (!response) co_return response.error();
  co_return std::move(response->body);
}

Result<void> without_value(const Result<Bytes>& answer) {
  if (!answer) return answer.error();
  return {};
}

Task<std::vector<Result<std::string>>> send_messages(aws::Client& client, std::string url,
                                                     std::vector<Outgoing> messages) {
  const bool alone = messages.size() == 1;
  std::string body = alone ? sqs::send_message(url, messages.front()) : sqs::send_message_batch(url, messages);
  const std::string_view action = alone ? "SendMessage" : "SendMessageBatch";
  // Retried although a lost answer may hide a message that was taken: twice is allowed, never is not.
  const auto answer = co_await invoke(client, action, std::move(body), kCallTimeout, /*idempotent=*/true);
  std::vector<Result<std::string>> results;
  if (!answer) {
    results.assign(messages.size(), Result<std::string>(answer.error()));
  } else if (alone) {
    results.push_back(sqs::read_text(*answer, "MessageId"));
  } else {
    results = sqs::read_batch(*answer, messages.size());
  }
  co_return results;
}

Task<std::vector<Result<void>>> delete_messages(aws::Client& client, std::string url,
                                                std::vector<std::string> receipts) {
  const bool alone = receipts.size() == 1;
  std::string body;
  if (alone) {
    sqs::ObjectWriter object;
    body = object.text("QueueUrl", url).text("ReceiptHandle", receipts.front()).take();
  } else {
    body = sqs::delete_message_batch(url, receipts);
  }
  const std::string_view action = alone ? "DeleteMessage" : "DeleteMessageBatch";
  const auto answer = co_await invoke(client, action, std::move(body), kCallTimeout, /*idempotent=*/true);
  std::vector<Result<void>> results;
  if (!answer || alone) {
    results.assign(receipts.size(), without_value(answer));
  } else {
    for (const auto& removed : sqs::read_batch(*answer, receipts.size()))
      results.push_back(removed ? Result<void>() : Result<void>(removed.error()));
  }
  co_return results;
}

Result<void> check_body(const Bytes& body) {
  if (body.empty())
    return Error{Code::kInvalidInput, "A message needs a body of at least one character.", "empty_body"};
  if (body.size() > limits::kQueueMessageBytes)
    return Error{Code::kInvalidInput,
                 "A message of " + std::to_string(body.size()) + " bytes is too long; SQS takes 1,048,576.",
                 "body_too_long"};
  if (!aws::is_xml_text(body))
    return Error{Code::kInvalidInput,
                 "SQS carries text only (UTF-8 without control characters but tab, line feed and carriage return).",
                 "not_text"};
  return {};
}

Task<Result<std::string>> queue_url(aws::Client& client, std::string name) {
  sqs::ObjectWriter object;
  std::string body = object.text("QueueName", name).take();
  const auto answer = co_await invoke(client, "GetQueueUrl", std::move(body), kCallTimeout, true);
  if (!answer) co_return answer.error();
  co_return sqs::read_text(*answer, "QueueUrl");
}

// {"QueueUrl":…,"AttributeNames":[…]}
std::string attributes_request(std::string_view url, std::string_view names) {
  sqs::ObjectWriter object;
  return object.text("QueueUrl", url).raw("AttributeNames", names).take();
}

// The ARN that a redrive policy names `queue` by; empty for no queue.
Task<Result<std::string>> queue_arn(aws::Client& client, std::string queue) {
  if (queue.empty()) co_return std::string();
  const auto url = co_await queue_url(client, std::move(queue));
  if (!url) co_return url.error();
  std::string body = attributes_request(*url, R"(["QueueArn"])");
  const auto answer = co_await invoke(client, "GetQueueAttributes", std::move(body), kCallTimeout, true);
  if (!answer) co_return answer.error();
  co_return sqs::read_arn(*answer);
}

class SqsQueue final : public Queue {
 public:
  using Sends = Coalescer<Outgoing, Result<std::string>>;
  using Removals = Coalescer<std::string, Result<void>>;

  SqsQueue(aws::Client& client, std::string name, std::string url)
      : client_(client), name_(std::move(name)), url_(std::move(url)) {
    sends_ = std::make_shared<Sends>(
        [&client, queue = url_](std::vector<Outgoing> batch) { return send_messages(client, queue, std::move(batch)); },
        [](const Outgoing& message) { return message.body.size(); },
        Sends::Limits{limits::kQueueBatchEntries, limits::kQueueMessageBytes, limits::kSqsBatchesInFlight});
    removals_ = std::make_shared<Removals>(
        [&client, queue = url_](std::vector<std::string> batch) {
          return delete_messages(client, queue, std::move(batch));
        },
        [](const std::string& receipt) { return receipt.size(); },
        Removals::Limits{limits::kQueueBatchEntries, limits::kQueueMessageBytes, limits::kSqsBatchesInFlight});
  }

  const std::string& name() const override { return name_; }

  Task<Result<std::string>> send(Outgoing message) override {
    std::vector<Outgoing> one;
    one.push_back(std::move(message));
    auto results = co_await send_batch(std::move(one));
    co_return std::move(results.front());
  }

  Task<std::vector<Result<std::string>>> send_batch(std::vector<Outgoing> messages) override {
    std::vector<Result<std::string>> results(messages.size(), std::string());
    std::vector<Outgoing> good;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (auto fit = check_body(messages[i].body); !fit) {
        results[i] = fit.error();
      } else {
        good.push_back(std::move(messages[i]));
        places.push_back(i);
      }
    }
    auto sent = co_await sends_->submit(std::move(good));
    for (std::size_t i = 0; i < sent.size(); ++i) results[places[i]] = std::move(sent[i]);
    co_return results;
  }

  Task<Result<std::vector<Message>>> receive(Receive request) override {
    std::string body = sqs::receive_message(url_, request);
    const Millis wait(sqs::to_seconds(request.wait) * 1'000);
    // Not for a second time where it may have been done: what it took would be leased to nobody.
    const auto answer = co_await invoke(client_, "ReceiveMessage", std::move(body), wait + kCallTimeout,
                                        /*idempotent=*/false, std::move(request.consumer), wait);
    if (!answer) co_return answer.error();
    co_return sqs::read_messages(*answer);
  }

  Task<Result<void>> remove(std::string receipt) override {
    std::vector<std::string> one;
    one.push_back(std::move(receipt));
    auto results = co_await removals_->submit(std::move(one));
    co_return std::move(results.front());
  }

  Task<std::vector<Result<void>>> remove_batch(std::vector<std::string> receipts) override {
    return removals_->submit(std::move(receipts));
  }

  Task<Result<void>> extend(std::string receipt, Millis lease) override {
    sqs::ObjectWriter object;
    object.text("QueueUrl", url_).text("ReceiptHandle", receipt).number("VisibilityTimeout", sqs::to_seconds(lease));
    std::string body = object.take();
    const auto answer = co_await invoke(client_, "ChangeMessageVisibility", std::move(body), kCallTimeout, true);
    if (answer) co_return Result<void>();
    Error error = answer.error();
    // SQS has no code of its own for a message that is gone; it says so in the sentence of a general one.
    if (error.reason.ends_with("MessageNotInflight") || error.message.find("does not exist") != std::string::npos ||
        error.message.find("not available for visibility timeout change") != std::string::npos)
      error.code = Code::kNotFound;
    co_return error;
  }

  Task<Result<void>> purge() override { return act("PurgeQueue"); }

  Task<Result<Counts>> counts() override {
    std::string body = attributes_request(
        url_,
        R"(["ApproximateNumberOfMessages","ApproximateNumberOfMessagesNotVisible","ApproximateNumberOfMessagesDelayed"])");
    const auto answer = co_await invoke(client_, "GetQueueAttributes", std::move(body), kCallTimeout, true);
    if (!answer) co_return answer.error();
    co_return sqs::read_counts(*answer);
  }

  Task<Result<Attributes>> attributes() override {
    std::string body = attributes_request(url_, R"(["All"])");
    const auto answer = co_await invoke(client_, "GetQueueAttributes", std::move(body), kCallTimeout, true);
    if (!answer) co_return answer.error();
    co_return sqs::read_attributes(*answer);
  }

  Task<Result<void>> set_attributes(Attributes attributes) override {
    const auto arn = co_await queue_arn(client_, attributes.dead_letter_queue);
    if (!arn) co_return arn.error();
    sqs::ObjectWriter object;
    object.text("QueueUrl", url_).raw("Attributes", sqs::attributes_object(attributes, *arn, /*creating=*/false));
    std::string body = object.take();
    const auto answer = co_await invoke(client_, "SetQueueAttributes", std::move(body), kCallTimeout, true);
    co_return without_value(answer);
  }

  Task<Result<void>> act(std::string_view action) {
    sqs::ObjectWriter object;
    std::string body = object.text("QueueUrl", url_).take();
    const auto answer = co_await invoke(client_, action, std::move(body), kCallTimeout, true);
    co_return without_value(answer);
  }

 private:
  aws::Client& client_;
  const std::string name_;
  const std::string url_;
  std::shared_ptr<Sends> sends_;
  std::shared_ptr<Removals> removals_;
};

class SqsQueues final : public Queues {
 public:
  explicit SqsQueues(aws::Client& client) : client_(client) {}

  Task<Result<std::shared_ptr<Queue>>> open(std::string name) override {
    const auto url = co_await queue_url(client_, name);
    if (!url) co_return url.error();
    co_return shared(name, *url);
  }

  Task<Result<std::shared_ptr<Queue>>> create(std::string name, Attributes attributes) override {
    const auto arn = co_await queue_arn(client_, attributes.dead_letter_queue);
    if (!arn) co_return arn.error();
    sqs::ObjectWriter object;
    object.text("QueueName", name).raw("Attributes", sqs::attributes_object(attributes, *arn, /*creating=*/true));
    std::string body = object.take();
    const auto answer = co_await invoke(client_, "CreateQueue", std::move(body), kCallTimeout, true);
    if (!answer) co_return answer.error();
    const auto url = sqs::read_text(*answer, "QueueUrl");
    if (!url) co_return url.error();
    co_return shared(name, *url);
  }

  Task<Result<std::vector<std::string>>> list(std::string prefix) override {
    std::vector<std::string> names;
    std::string next;
    do {
      sqs::ObjectWriter object;
      object.number("MaxResults", 1'000);
      if (!prefix.empty()) object.text("QueueNamePrefix", prefix);
      if (!next.empty()) object.text("NextToken", next);
      std::string body = object.take();
      const auto answer = co_await invoke(client_, "ListQueues", std::move(body), kCallTimeout, true);
      if (!answer) co_return answer.error();
      auto page = sqs::read_urls(*answer);
      if (!page) co_return page.error();
      for (const std::string& url : page->urls) names.push_back(url.substr(url.rfind('/') + 1));
      next = std::move(page->next);
    } while (!next.empty());
    std::sort(names.begin(), names.end());
    co_return names;
  }

  Task<Result<void>> remove(std::string name) override {
    const auto url = co_await queue_url(client_, name);
    if (!url) co_return url.error();
    const auto queue = shared(name, *url);
    auto removed = co_await queue->act("DeleteQueue");
    co_return removed;
  }

  Task<Result<void>> release(std::string) override { co_return Result<void>(); }

 private:
  // One object a queue for as long as anybody holds it, so that all its holders' calls travel together.
  std::shared_ptr<SqsQueue> shared(const std::string& name, const std::string& url) {
    std::erase_if(queues_, [](const auto& entry) { return entry.second.expired(); });
    auto queue = queues_[url].lock();
    if (!queue) {
      queue = std::make_shared<SqsQueue>(client_, name, url);
      queues_[url] = queue;
    }
    return queue;
  }

  aws::Client& client_;
  std::map<std::string, std::weak_ptr<SqsQueue>> queues_;  // by URL
};

}  // namespace

std::unique_ptr<Queues> open_sqs_queues(aws::Client& client) { return std::make_unique<SqsQueues>(client); }

}  // namespace facefleet::queue
