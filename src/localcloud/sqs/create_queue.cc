#include <algorithm>

#include "base/limits.h"
#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/attributes.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/tags.h"

namespace facefleet::localcloud::sqs {

namespace {

bool asks_for_fifo(const Call& call, std::string_view name) {
  const auto attributes = call.parameters.map("Attributes", "Attribute");
  return name.ends_with(".fifo") || std::ranges::any_of(attributes, [](const auto& attribute) {
           return attribute.first == "FifoQueue" && attribute.second == "true";
         });
}

bool is_name(std::string_view name) {
  return name.size() <= limits::kQueueNameBytes && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

Result<std::string> read_name(const Call& call) {
  const auto given = required(call.parameters, "QueueName");
  if (!given) return given.error();
  if (asks_for_fifo(call, *given)) return unsupported("FIFO queues are not supported here; make a standard queue.");
  if (!is_name(*given))
    return malformed_attributes("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  return std::string(*given);
}

}  // namespace

Task<Result<void>> create_queue(Call& call) {
  const auto read = read_name(call);
  if (!read) co_return read.error();
  const std::string& name = *read;
  queue::Attributes wanted;
  const auto applied = co_await apply_attributes(call, wanted);
  if (!applied) co_return applied.error();
  const auto tagged = apply_tags(call, wanted);
  if (!tagged) co_return tagged.error();

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
    if (is_recent(call.service, call.service.deleted, name))
      co_return sqs_error(
          "QueueDeletedRecently",
          "You must wait 60 seconds after deleting a queue before you can create another with the same name.");
    const auto created = co_await call.service.queues.create(name, wanted);
    if (!created) co_return from_queue(call, created.error());
  }
  call.result.text("QueueUrl", queue_url(call, name));
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
