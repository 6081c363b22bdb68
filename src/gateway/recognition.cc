#include "gateway/recognition.h"

#include <algorithm>

#include "gateway/replies.h"

namespace facefleet::gateway {
namespace {

void write_one(jobs::JsonWriter& out, const Recognised& one, double total_ms) {
  if (one.answer) return write_outcome(out, *one.answer, total_ms);
  out.begin_object().key("job_id").text(one.job_id).key("status").plain_text("failed").key("name").text(one.name);
  write_error(out, *one.error);
  out.end_object();
}

}  // namespace

Task<std::vector<Recognised>> collect(Call& call, std::vector<Entry> entries) {
  std::vector<Recognised> all;
  all.reserve(entries.size());
  for (Entry& entry : entries) {
    auto answer = co_await wait_for(call.service, entry);
    Recognised one{entry.job_id, std::move(entry.name), nullptr, std::nullopt};
    if (answer) {
      one.answer = std::move(*answer);
      one.error = error_of(*one.answer);
    } else {
      one.error = answer.error();
    }
    all.push_back(std::move(one));
  }
  co_return all;
}

const Error* common_error(const std::vector<Recognised>& all) {
  const bool none = std::ranges::all_of(all, [](const Recognised& one) { return one.error.has_value(); });
  return none ? &*all.front().error : nullptr;
}

net::HttpResponse recognised_json(const Call& call, const std::vector<Recognised>& all) {
  const double total_ms =
      std::chrono::duration<double, std::milli>(call.service.parts.clock.now() - call.began).count();
  jobs::JsonWriter out;
  if (all.size() > 1) out.begin_array();
  for (const Recognised& one : all) write_one(out, one, total_ms);
  if (all.size() > 1) out.end_array();
  const Error* error = common_error(all);
  return net::HttpResponse::json(error ? http_status(*error) : 200, out.take());
}

}  // namespace facefleet::gateway
