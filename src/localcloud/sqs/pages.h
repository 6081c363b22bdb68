// Listings of queues, a page at a time. A page's token is the last name on it, in base 64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "localcloud/sqs/call.h"

namespace facefleet::localcloud::sqs {

// The page that the call asks for: `size` is the call's own, `after` the last name of the page before.
struct Page {
  std::optional<std::int64_t> size;
  std::string after;
};
Result<Page> read_page(const Call& call);

// Writes the page of `names` (sorted) that the call's MaxResults and NextToken ask for. `json_name`: of the list.
Result<void> write_page(Call& call, const std::vector<std::string>& names, std::string_view json_name);

}  // namespace facefleet::localcloud::sqs
