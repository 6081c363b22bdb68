#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/pages.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> list_queues(Call& call) {
  std::string prefix(call.parameters.text_of("QueueNamePrefix").value_or(""));
  const auto names = co_await call.service.queues.list(std::move(prefix));
  if (!names) co_return from_queue(call, names.error());
  if (!names->empty()) co_return write_page(call, *names, "QueueUrls");
  // Where there is none SQS names none, not an empty list of them.
  const auto page = read_page(call);
  if (!page) co_return page.error();
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
