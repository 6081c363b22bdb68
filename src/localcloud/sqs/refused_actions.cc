// What SQS has and these queues do not: refused in words, and not as an action that nobody knows.
#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> message_move_task(Call&) {
  co_return unsupported(
      "Message move tasks are not supported here; receive from the dead-letter queue and send to the other.");
}

Task<Result<void>> permission(Call&) {
  co_return unsupported("Permissions are not supported here: whoever has the key may do everything.");
}

}  // namespace facefleet::localcloud::sqs
