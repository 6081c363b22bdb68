#include <algorithm>

#include "base/hash.h"
#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::int64_t kPageMax = 1'000;

}  // namespace

// A page's token is the last name on it, in base 64.
Task<Result<void>> list_queues(Call& call) {
  const auto max =
      integer(call.parameters, "MaxResults", 1, kPageMax, "MaxResults must be an integer between 1 and 1000.");
  if (!max) co_return max.error();
  const std::string token(call.parameters.text_of("NextToken").value_or(""));
  const auto after = base64_decode(token);
  if (!after) co_return invalid_parameter(token, "NextToken", "It is not a token of this service.");
  std::string prefix(call.parameters.text_of("QueueNamePrefix").value_or(""));
  const auto names = co_await call.service.queues.list(std::move(prefix));
  if (!names) co_return from_queue(call, names.error());

  const auto first = after->empty() ? names->begin() : std::ranges::upper_bound(*names, *after);
  const auto count = std::min<std::ptrdiff_t>(max->value_or(kPageMax), names->end() - first);
  const auto last = first + count;
  if (first != last) {
    call.result.open_list("QueueUrls");
    for (auto name = first; name != last; ++name) call.result.text_item("QueueUrl", queue_url(call, *name));
    call.result.close_list();
  }
  if (last != names->end()) call.result.text("NextToken", base64(*(last - 1)));
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::sqs
