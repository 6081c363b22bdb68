#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/pages.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> list_queues(Call& call) {
  std::string prefix(call.parameters.text_of("QueueNamePrefix").value_or(""));
  const auto names = co_await call.service.queues.list(std::move(prefix));
  if (!names) co_return from_queue(call, names.error());
  auto written = names->empty() ? Result<void>() : write_page(call, *names, "QueueUrls");
  co_return written;
}

}  // namespace facefleet::localcloud::sqs
