#include "localcloud/sqs/pages.h"

#include <algorithm>

#include "base/hash.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::int64_t kPageMax = 1'000;

}  // namespace

Result<Page> read_page(const Call& call) {
  const auto max =
      integer(call.parameters, "MaxResults", 1, kPageMax, "MaxResults must be an integer between 1 and 1000.");
  if (!max) return max.error();
  const std::string token(call.parameters.text_of("NextToken").value_or(""));
  const auto after = base64_decode(token);
  if (!after) return invalid_parameter(token, "NextToken", "It is not a token of this service.");
  return Page{*max, *after};
}

Result<void> write_page(Call& call, const std::vector<std::string>& names, std::string_view json_name) {
  const auto page = read_page(call);
  if (!page) return page.error();
  const auto first = page->after.empty() ? names.begin() : std::ranges::upper_bound(names, page->after);
  const auto count = std::min<std::ptrdiff_t>(page->size.value_or(kPageMax), names.end() - first);
  const auto last = first + count;
  call.result.open_list(json_name);
  for (auto name = first; name != last; ++name) call.result.text_item("QueueUrl", queue_url(call, *name));
  call.result.close_list();
  // Without MaxResults SQS gives no token, and at most 1,000 queues.
  if (last != names.end() && page->size) call.result.text("NextToken", base64(*(last - 1)));
  return {};
}

}  // namespace facefleet::localcloud::sqs
