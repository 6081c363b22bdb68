// Idempotency-Key: the same key and photos are one job, however often they are sent; the record is durable before a
// photo is stored. Thread rule: base/task.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/intake.h"

namespace facefleet::gateway {

// Claims `key` for the jobs of `entries`, or gives `entries` the jobs (and tickets) of whoever claimed it first, for
// the same photos; returns whether it was claimed before. kInvalidInput with reason `idempotency_key_reused` if it was
// for other photos, `bad_idempotency_key`.
Task<Result<bool>> claim(Service& service, std::string_view api_key_name, std::string_view key,
                         const std::vector<Upload>& uploads, const Order& order, std::vector<Entry>& entries);

}  // namespace facefleet::gateway
