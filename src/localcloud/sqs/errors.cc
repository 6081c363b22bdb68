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

Error sqs_error(std::string_view code, std::string message) { return bad_request(prefixed(code), std::move(message)); }

Error invalid_characters() {
  return bad_request("InvalidMessageContents",
                     "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "
                     "#xE000 to #xFFFD | #x10000 to #x10FFFF.");
}

Error malformed_attributes(std::string message) { return bad_request("InvalidParameterValue", std::move(message)); }

}  // namespace facefleet::localcloud::sqs
