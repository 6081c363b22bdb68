// Queues in Amazon SQS, or anything that speaks its JSON form (AWS JSON 1.0).
//
// What differs from the memory and durable backends, because SQS does:
// * Bodies are text: UTF-8 of the characters that XML 1.0 allows. Others are refused with kInvalidInput and reason
//   `not_text`; nothing is encoded behind the consumer's back, so what other SQS clients see is what was sent.
// * Time is in whole seconds; leases, delays and waits are rounded up.
// * A send that is retried after a lost answer may leave the message twice (delivery is at least once).
// * Counts are SQS's own approximation, and oldest_age is not known.
// * release() does nothing.
//
// Sends and removals made while another of the same queue is on its way travel together, up to ten a call; a lone one
// goes at once.
#pragma once

#include <memory>

#include "aws/client.h"
#include "queue/queue.h"

namespace facefleet::queue {

// `client` must be a client of service "sqs" and outlive the queues and whatever they were asked.
std::unique_ptr<Queues> open_sqs_queues(aws::Client& client);

}  // namespace facefleet::queue
