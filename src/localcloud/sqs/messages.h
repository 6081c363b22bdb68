// What the actions on messages have in common: reading a message to send, and batches.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "localcloud/sqs/call.h"
#include "queue/queue.h"

namespace facefleet::localcloud::sqs {

// A message that is to be sent, and what the answer says of it.
struct Draft {
  queue::Outgoing message;
  std::size_t bytes = 0;  // that count against the queue's and the batch's limits: body and attributes
  std::string body_md5;
  std::string attributes_md5;         // empty: it has none
  std::string system_attributes_md5;  // empty: it has none
};

// The message of a SendMessage or of a batch's entry; its body is moved out of `parameters`.
Result<Draft> take_message(aws::Parameter& parameters);

// What SendMessage and a batch's entry answer, once the queue has given the message its `id`.
void write_receipt_of(aws::ResultWriter& result, const Draft& draft, std::string_view id);

// Refuses a message longer than the queue takes.
Task<Result<void>> check_length(const Call& call, queue::Queue& queue, std::size_t bytes);

struct BatchEntry {
  std::string id;
  aws::Parameter* parameters;
};

// The 1 to 10 entries of a batch, each with an id of its own. `query_name`: of the list in the query form.
Result<std::vector<BatchEntry>> batch_entries(Call& call, std::string_view query_name);

struct BatchFailure {
  std::string id;
  Error error;
};

// A batch's answer: `succeeded` with each entry's id (and whatever `write` adds), then `failed`.
void write_failures(aws::ResultWriter& result, const std::vector<BatchFailure>& failures);

}  // namespace facefleet::localcloud::sqs
