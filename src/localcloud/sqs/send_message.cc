#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/messages.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> send_message(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  auto message = take_message(call.parameters);
  if (!message) co_return message.error();
  const auto fits = co_await check_length(call, **queue, message->bytes);
  if (!fits) co_return fits.error();
  const auto id = co_await (*queue)->send(std::move(message->message));
  if (!id) co_return from_queue(call, id.error());
  write_receipt_of(call.result, *message, *id);
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
