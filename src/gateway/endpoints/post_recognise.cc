// POST /v1/recognise: every face of a photo. POST /v1/classify: what is in it. With ?wait=0 the job's id at once, for
// GET /v1/jobs/{id}.
#include "gateway/intake.h"
#include "gateway/recognition.h"

namespace facefleet::gateway {
namespace {

void write_queued(jobs::JsonWriter& out, const Entry& entry) {
  out.begin_object().key("job_id").plain_text(entry.job_id).key("status").plain_text("queued");
  out.key("name").text(entry.name).key("location").plain_text("/v1/jobs/" + entry.job_id).end_object();
}

net::HttpResponse accepted(const std::vector<Entry>& entries) {
  jobs::JsonWriter out;
  if (entries.size() == 1) {
    write_queued(out, entries.front());
  } else {
    out.begin_array();
    for (const Entry& entry : entries) write_queued(out, entry);
    out.end_array();
  }
  net::HttpResponse response = net::HttpResponse::json(202, out.take());
  if (entries.size() == 1) response.headers.set("Location", "/v1/jobs/" + entries.front().job_id);
  return response;
}

Task<Result<net::HttpResponse>> answer(Call& call, jobs::Kind kind) {
  auto uploads = read_uploads(call);
  if (!uploads) co_return uploads.error();
  auto order = read_order(call, kind);
  if (!order) co_return order.error();
  const bool waits = call.parameter("wait") != "0";
  order->waits = waits;
  auto entries = co_await submit(call, std::move(*uploads), std::move(*order));
  if (!entries) co_return entries.error();
  if (!waits) co_return accepted(*entries);
  const std::vector<Recognised> all = co_await collect(call, std::move(*entries));
  const Error* error = common_error(all);
  if (error && all.size() == 1) co_return *error;
  co_return recognised_json(call, all);
}

}  // namespace

Task<Result<net::HttpResponse>> post_recognise(Call& call) { return answer(call, jobs::Kind::kRecognise); }
Task<Result<net::HttpResponse>> post_classify(Call& call) { return answer(call, jobs::Kind::kClassify); }

}  // namespace facefleet::gateway
