#include "localcloud/sqs/sqs_door.h"

#include "localcloud/sqs/actions.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::string_view kTargetPrefix = "AmazonSQS.";

// The query form's parameters stand in the body, the URL's query, or both; its queue may stand in the path alone.
Result<aws::Parameter> read_query(const net::HttpRequest& request) {
  std::string form(request.query());
  if (!form.empty() && !request.body.empty()) form += '&';
  form += request.body;
  auto parameters = aws::parse_query(form);
  if (parameters && parameters->find("QueueUrl") == nullptr && request.path().size() > 1)
    parameters->members.push_back({"QueueUrl", {net::percent_decode(request.path()), {}}});
  return parameters;
}

}  // namespace

Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, aws::Protocol protocol,
                              std::string_view request_id) {
  const aws::AnswerFrame frame{protocol, kNamespace, request_id};
  const bool json = protocol == aws::Protocol::kJson;
  auto parameters = json ? aws::parse_json(request.body) : read_query(request);
  if (!parameters) co_return aws::error_answer(frame, parameters.error());

  std::string name;
  if (json) {
    const std::string_view target = request.headers.get("x-amz-target").value_or("");
    name = target.substr(std::min(kTargetPrefix.size(), target.size()));
  } else {
    name = parameters->text_of("Action").value_or("");
  }
  const Action* action = find_action(name);
  if (action == nullptr) {
    const Error unknown{Code::kInvalidInput, "The action " + name + " is not valid for this endpoint.",
                        "InvalidAction"};
    co_return aws::error_answer(frame, unknown);
  }
  Call call{service, protocol, "http://" + std::string(request.headers.get("host").value_or("localhost")),
            std::string(request.headers.get("x-facefleet-consumer").value_or("")), std::move(*parameters)};
  const auto performed = co_await action->perform(call);
  if (!performed) co_return aws::error_answer(frame, performed.error());
  co_return aws::answer(frame, action->name, action->has_result, call.result.take());
}

}  // namespace facefleet::localcloud::sqs
