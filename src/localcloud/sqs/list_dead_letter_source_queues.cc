#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"
#include "localcloud/sqs/pages.h"

namespace facefleet::localcloud::sqs {

Task<Result<void>> list_dead_letter_source_queues(Call& call) {
  const auto queue = co_await open_queue(call);
  if (!queue) co_return queue.error();
  const auto names = co_await call.service.queues.list("");
  if (!names) co_return from_queue(call, names.error());
  std::vector<std::string> sources;
  for (const std::string& name : *names) {
    const auto one = co_await call.service.queues.open(name);
    if (!one) continue;  // it was deleted meanwhile
    const auto attributes = co_await (*one)->attributes();
    if (attributes && attributes->dead_letter_queue == (*queue)->name()) sources.push_back(name);
  }
  auto written = write_page(call, sources, "queueUrls");
  co_return written;
}

}  // namespace facefleet::localcloud::sqs
