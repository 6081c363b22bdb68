#include "localcloud/dynamodb/dynamodb_door.h"

#include <boost/json.hpp>

#include "aws/wire.h"
#include "aws/wire_checksum.h"
#include "base/hash.h"
#include "localcloud/dynamodb/actions.h"

namespace facefleet::localcloud::dynamodb {
namespace {

constexpr std::string_view kTargetPrefix = "DynamoDB_20120810.";

Result<boost::json::object> read_parameters(const net::HttpRequest& request) {
  boost::system::error_code failed;
  const boost::json::value body = boost::json::parse(request.body, failed);
  if (failed || !body.is_object())
    return dynamodb_error(Code::kInvalidInput, "SerializationException", "The body is not a JSON object.");
  return body.get_object();
}

}  // namespace

void add_crc32(net::HttpResponse& response) {
  const Bytes sum = base64_decode(*aws::checksum("crc32", response.body)).value();
  std::uint32_t number = 0;
  for (const char byte : sum) number = number << 8 | static_cast<unsigned char>(byte);
  response.headers.set("x-amz-crc32", std::to_string(number));
}

Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, std::string region,
                              std::string_view request_id) {
  const aws::AnswerFrame frame{aws::Protocol::kJson, {}, request_id};
  std::string_view name = request.headers.get("x-amz-target").value_or("");
  name.remove_prefix(std::min(kTargetPrefix.size(), name.size()));
  const Action* action = find_action(name);
  Result<std::string> done = dynamodb_error(Code::kInvalidInput, "UnknownOperationException",
                                            std::string(name) + " is not an operation of this local DynamoDB");
  if (action != nullptr) {
    auto parameters = read_parameters(request);
    if (!parameters) {
      done = parameters.error();
    } else {
      Call call{service, std::move(region), std::move(*parameters)};
      done = co_await action->perform(call);
    }
  }
  net::HttpResponse response =
      done ? aws::answer(frame, name, true, std::move(*done)) : aws::error_answer(frame, done.error());
  add_crc32(response);
  co_return response;
}

}  // namespace facefleet::localcloud::dynamodb
