#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/attributes.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

// Tags that the call brings are not kept: they change nothing that a queue does.
Task<Result<void>> create_queue(Call& call) {
  const auto given = required(call.parameters, "QueueName");
  if (!given) co_return given.error();
  const std::string name(*given);
  queue::Attributes wanted;
  const auto applied = co_await apply_attributes(call, wanted);
  if (!applied) co_return applied.error();

  // A queue of that name is the answer if it has what the call asks for; what the call leaves open is not compared.
  const auto existing = co_await call.service.queues.open(name);
  if (existing) {
    const auto there = co_await (*existing)->attributes();
    if (!there) co_return from_queue(call, there.error());
    if (const auto differing = differing_attribute(call, *there, wanted))
      co_return Error{Code::kConflict,
                      "A queue already exists with the same name and a different value for attribute " + *differing,
                      "QueueAlreadyExists"};
  } else {
    const auto created = co_await call.service.queues.create(name, wanted);
    if (!created) co_return from_queue(call, created.error());
  }
  call.result.text("QueueUrl", queue_url(call, name));
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
