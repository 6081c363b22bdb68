// POST /: photos in, names out, as the clients of the earlier systems expect it.
#include "gateway/intake.h"
#include "gateway/recognition.h"
#include "gateway/replies.h"

namespace facefleet::gateway {
namespace {

std::string line_of(const Recognised& one, Form form) {
  const std::string text = one.error ? "error: " + one.error->reason : one.answer->label;
  if (form == Form::kLabel) return text;
  return std::string(form == Form::kFile ? std::string_view(one.name) : jobs::stem(one.name)) + ":" + text;
}

// A single answer stands alone, without a line's end: clients compare it as it is.
std::string lines_of(const std::vector<Recognised>& all, Form form) {
  if (all.size() == 1) return line_of(all.front(), form);
  std::string text;
  for (const Recognised& one : all) text += line_of(one, form) + "\n";
  return text;
}

// A string, or for several photos an array of strings in their order.
net::HttpResponse labels_json(const std::vector<Recognised>& all) {
  jobs::JsonWriter out;
  if (all.size() > 1) out.begin_array();
  for (const Recognised& one : all) out.text(line_of(one, Form::kLabel));
  if (all.size() > 1) out.end_array();
  const Error* error = common_error(all);
  return net::HttpResponse::json(error ? http_status(*error) : 200, out.take());
}

}  // namespace

Task<Result<net::HttpResponse>> post_root(Call& call) {
  const Form form = form_of(call.service.options.reply_form, call.request.headers.get("accept"));
  auto uploads = read_uploads(call);
  if (!uploads) co_return uploads.error();
  auto order = read_order(call, call.service.options.kind);
  if (!order) co_return order.error();
  auto entries = co_await submit(call, std::move(*uploads), std::move(*order));
  if (!entries) co_return entries.error();
  const std::vector<Recognised> all = co_await collect(call, std::move(*entries));
  const Error* error = common_error(all);
  if (error && all.size() == 1) co_return *error;
  if (form == Form::kJson) co_return recognised_json(call, all);
  if (form == Form::kJsonString) co_return labels_json(all);
  co_return net::HttpResponse::text(error ? http_status(*error) : 200, lines_of(all, form));
}

}  // namespace facefleet::gateway
