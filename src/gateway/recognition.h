// The answers of one request, collected and told: what POST / and POST /v1/recognise share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/intake.h"

namespace facefleet::gateway {

struct Recognised {
  std::string job_id;
  std::string name;
  Answer answer;               // null only with an error; with one too if the photo itself is to blame
  std::optional<Error> error;  // why there is no label
};

// Waits for all entries, in order.
Task<std::vector<Recognised>> collect(Call& call, std::vector<Entry> entries);

// The first error if no photo at all was recognised, else null.
const Error* common_error(const std::vector<Recognised>& all);

// One photo as an object, several as an array in their order.
net::HttpResponse recognised_json(const Call& call, const std::vector<Recognised>& all);

}  // namespace facefleet::gateway
