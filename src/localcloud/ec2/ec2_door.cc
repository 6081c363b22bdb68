#include "localcloud/ec2/ec2_door.h"

#include "localcloud/ec2/actions.h"

namespace facefleet::localcloud::ec2 {

Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, std::string_view request_id) {
  const aws::AnswerFrame frame{aws::Protocol::kEc2, kNamespace, request_id};
  std::string form(request.query());
  if (!form.empty()) form += '&';
  form += request.body;
  auto parameters = aws::parse_query(form);
  if (!parameters) co_return aws::error_answer(frame, parameters.error());
  const std::string name(parameters->text_of("Action").value_or(""));
  const Action* action = find_action(name);
  if (action == nullptr) {
    const Error unknown =
        ec2_error(Code::kInvalidInput, "InvalidAction", "The action " + name + " is not valid for this web service.");
    co_return aws::error_answer(frame, unknown);
  }
  if (service.fleet == nullptr) {
    const Error none = ec2_error(Code::kInvalidInput, "UnsupportedOperation", "This cloud has no fleet of instances.");
    co_return aws::error_answer(frame, none);
  }
  if (parameters->text_of("DryRun") == "true") {
    const Error dry =
        ec2_error(Code::kInvalidInput, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    co_return aws::error_answer(frame, dry);
  }
  Call call{service, *service.fleet, std::move(*parameters), {}};
  const auto performed = co_await action->perform(call);
  if (!performed) co_return aws::error_answer(frame, performed.error());
  co_return aws::answer(frame, action->name, true, std::move(call.result));
}

}  // namespace facefleet::localcloud::ec2
