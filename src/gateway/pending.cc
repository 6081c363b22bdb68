#include "gateway/pending.h"

namespace facefleet::gateway {

Pending::Ticket::Ticket(Pending& pending, std::string job_id)
    : pending_(pending), job_id_(std::move(job_id)), result_(pending.executor_) {
  pending_.tickets_.emplace(job_id_, this);
}

Pending::Ticket::~Ticket() {
  auto [first, last] = pending_.tickets_.equal_range(job_id_);
  while (first != last && first->second != this) ++first;
  if (first != last) pending_.tickets_.erase(first);
}

bool Pending::deliver(std::string_view job_id, const Result<Answer>& result) {
  const auto [first, last] = tickets_.equal_range(job_id);
  for (auto at = first; at != last; ++at) at->second->result_.set(result);
  return first != last;
}

void Pending::fail_all(const Error& error) {
  for (const auto& [job_id, ticket] : tickets_) ticket->result_.set(error);
}

}  // namespace facefleet::gateway
