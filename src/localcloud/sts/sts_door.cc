#include "localcloud/sts/sts_door.h"

namespace facefleet::localcloud::sts {

net::HttpResponse serve(const net::HttpRequest& request, std::string_view account, std::string_view access_key_id,
                        std::string_view request_id) {
  const aws::AnswerFrame frame{aws::Protocol::kQuery, kNamespace, request_id};
  std::string form(request.query());
  if (!form.empty()) form += '&';
  form += request.body;
  const auto parameters = aws::parse_query(form);
  if (!parameters) return aws::error_answer(frame, parameters.error());
  const std::string name(parameters->text_of("Action").value_or(""));
  if (name != "GetCallerIdentity") {
    const Error unknown{Code::kInvalidInput, "Could not find operation " + name + " for version 2011-06-15",
                        "InvalidAction"};
    return aws::error_answer(frame, unknown);
  }
  aws::ResultWriter result(aws::Protocol::kQuery);
  result.text("Arn", "arn:aws:iam::" + std::string(account) + ":user/facefleet");
  result.text("UserId", access_key_id);
  result.text("Account", account);
  return aws::answer(frame, name, true, result.take());
}

}  // namespace facefleet::localcloud::sts
