#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

Error bad_request(std::string_view code, std::string message) {
  return {Code::kInvalidInput, std::move(message), std::string(code)};
}

// The query form's code of a shape of SQS's own.
std::string prefixed(std::string_view shape) {
  std::string code = "AWS.SimpleQueueService.";
  code += shape;
  return code;
}

}  // namespace

Error missing_parameter(std::string_view name) {
  return bad_request("MissingParameter", "The request must contain the parameter " + std::string(name) + ".");
}

Error invalid_parameter(std::string_view value, std::string_view name, std::string_view reason) {
  std::string message = "Value ";
  message.append(value).append(" for parameter ").append(name).append(" is invalid. Reason: ").append(reason);
  return bad_request("InvalidParameterValue", std::move(message));
}

Error invalid_request(std::string_view reason) {
  return bad_request("InvalidParameterValue", "One or more parameters are invalid. Reason: " + std::string(reason));
}

Error unknown_attribute(std::string_view name) {
  return bad_request("InvalidAttributeName", "Unknown Attribute " + std::string(name) + ".");
}

Error invalid_attribute(std::string_view name, std::string_view reason) {
  std::string message = "Invalid value for the parameter " + std::string(name) + ".";
  if (!reason.empty()) message.append(" Reason: ").append(reason);
  return bad_request("InvalidAttributeValue", std::move(message));
}

Error invalid_receipt(std::string_view receipt) {
  return bad_request("ReceiptHandleIsInvalid",
                     "The input receipt handle \"" + std::string(receipt) + "\" is not a valid receipt handle.");
}

Error unsupported(std::string_view sentence) {
  return bad_request(prefixed("UnsupportedOperation"), std::string(sentence));
}

Error batch_error(std::string_view code, std::string_view message) {
  return bad_request(prefixed(code), std::string(message));
}

Error from_queue(const Call& call, const Error& error) {
  switch (error.code) {
    case Code::kNotFound:
      return {Code::kNotFound,
              call.protocol == aws::Protocol::kJson ? "The specified queue does not exist."
                                                    : "The specified queue does not exist for this wsdl version.",
              prefixed("NonExistentQueue")};
    case Code::kInvalidInput: return invalid_request(error.message);
    case Code::kConflict: return {Code::kConflict, error.message, "QueueAlreadyExists"};
    case Code::kBusy: return {Code::kBusy, error.message, "OverLimit"};
    default: return {error.code, error.message, ""};
  }
}

}  // namespace facefleet::localcloud::sqs
