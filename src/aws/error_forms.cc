#include "aws/error_forms.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>
#include <string>

#include "aws/xml.h"

namespace facefleet::aws {
namespace {

struct KnownError {
  std::string_view name;
  Code code;
  Remedy remedy;
};

// Only those whose HTTP status alone would mislead.
constexpr auto kKnownErrors = std::to_array<KnownError>({
    {"NonExistentQueue", Code::kNotFound, Remedy::kNone},  // 400
    {"QueueDoesNotExist", Code::kNotFound, Remedy::kNone},
    {"ResourceNotFoundException", Code::kNotFound, Remedy::kNone},
    {"InvalidInstanceID.NotFound", Code::kNotFound, Remedy::kNone},
    {"QueueAlreadyExists", Code::kConflict, Remedy::kNone},
    {"QueueNameExists", Code::kConflict, Remedy::kNone},
    {"IncorrectInstanceState", Code::kConflict, Remedy::kNone},
    {"QueueDeletedRecently", Code::kBusy, Remedy::kNone},
    {"PurgeQueueInProgress", Code::kBusy, Remedy::kNone},          // 403
    {"InsufficientInstanceCapacity", Code::kBusy, Remedy::kNone},  // 500
    {"InstanceLimitExceeded", Code::kBusy, Remedy::kNone},
    {"VcpuLimitExceeded", Code::kBusy, Remedy::kNone},
    {"RequestTimeout", Code::kUnavailable, Remedy::kAgain},  // 400: S3 waited for the body in vain
    {"RequestTimeoutException", Code::kUnavailable, Remedy::kAgain},
    {"PriorRequestNotComplete", Code::kUnavailable, Remedy::kAgain},
    {"IDPCommunicationError", Code::kUnavailable, Remedy::kAgain},  // 400: STS could not ask who vouches for a token
    // Throttled: what botocore's standard retry mode calls so, and SQS's limit of messages in flight.
    {"BandwidthLimitExceeded", Code::kBusy, Remedy::kSlower},
    {"EC2ThrottledException", Code::kBusy, Remedy::kSlower},
    {"LimitExceededException", Code::kBusy, Remedy::kSlower},
    {"OverLimit", Code::kBusy, Remedy::kSlower},  // 403
    {"ProvisionedThroughputExceededException", Code::kBusy, Remedy::kSlower},
    {"RequestLimitExceeded", Code::kBusy, Remedy::kSlower},
    {"RequestThrottled", Code::kBusy, Remedy::kSlower},
    {"RequestThrottledException", Code::kBusy, Remedy::kSlower},
    {"SlowDown", Code::kBusy, Remedy::kSlower},
    {"Throttling", Code::kBusy, Remedy::kSlower},
    {"ThrottlingException", Code::kBusy, Remedy::kSlower},
    {"ThrottledException", Code::kBusy, Remedy::kSlower},
    {"TooManyRequestsException", Code::kBusy, Remedy::kSlower},
    {"TransactionInProgressException", Code::kBusy, Remedy::kSlower},
    // The clock or the keys, and few of these codes say which.
    {"AuthFailure", Code::kDenied, Remedy::kResign},   // EC2
    {"ExpiredToken", Code::kDenied, Remedy::kResign},  // 400
    {"ExpiredTokenException", Code::kDenied, Remedy::kResign},
    {"InvalidAccessKeyId", Code::kDenied, Remedy::kResign},  // S3
    {"InvalidClientTokenId", Code::kDenied, Remedy::kResign},
    {"InvalidSignatureException", Code::kDenied, Remedy::kResign},
    {"InvalidToken", Code::kDenied, Remedy::kResign},    // S3
    {"RequestExpired", Code::kDenied, Remedy::kResign},  // EC2
    {"RequestInTheFuture", Code::kDenied, Remedy::kResign},
    {"RequestTimeTooSkewed", Code::kDenied, Remedy::kResign},  // S3
    {"SignatureDoesNotMatch", Code::kDenied, Remedy::kResign},
    {"TokenRefreshRequired", Code::kDenied, Remedy::kResign},  // S3
    {"UnrecognizedClientException", Code::kDenied, Remedy::kResign},
    {"IncompleteSignature", Code::kDenied, Remedy::kNone},
    {"MissingAuthenticationToken", Code::kDenied, Remedy::kNone},
    {"UnauthorizedOperation", Code::kDenied, Remedy::kNone},
});

constexpr std::string_view kQueryPrefix = "AWS.SimpleQueueService.";

const KnownError* find_known(std::string_view reason) {
  if (reason.starts_with(kQueryPrefix)) reason.remove_prefix(kQueryPrefix.size());
  const auto found = std::find_if(kKnownErrors.begin(), kKnownErrors.end(),
                                  [reason](const KnownError& known) { return known.name == reason; });
  return found == kKnownErrors.end() ? nullptr : &*found;
}

struct Said {
  std::string reason;
  std::string message;
};

Said read_xml(std::string_view body) {
  const auto document = XmlDocument::parse(body);
  if (!document) return {};
  const XmlElement root = document->root();
  const XmlElement error = root.name() == "ErrorResponse" ? root.at("Error")
                           : root.name() == "Response"    ? root.at("Errors/Error")
                                                          : root;
  return {std::string(error.text("Code")), std::string(error.text("Message"))};
}

Said read_json(const net::HttpResponse& response) {
  Said said;
  boost::system::error_code failed;
  const auto value = boost::json::parse(response.body, failed);
  if (!failed && value.is_object()) {
    const auto text = [&value](std::string_view name) -> std::string_view {
      const auto* found = value.as_object().if_contains(name);
      return found != nullptr && found->is_string() ? std::string_view(found->as_string()) : std::string_view();
    };
    std::string_view type = text("__type");
    said.reason = type.substr(type.find('#') == std::string_view::npos ? 0 : type.find('#') + 1);
    said.message = text("message").empty() ? text("Message") : text("message");
  }
  if (const auto query_error = response.headers.get("x-amzn-query-error"))
    said.reason = query_error->substr(0, query_error->find(';'));
  return said;
}

}  // namespace

Code code_of(std::string_view reason, int status) {
  if (const KnownError* known = find_known(reason)) return known->code;
  if (status == 404) return Code::kNotFound;
  if (status == 409 || status == 412) return Code::kConflict;
  if (status == 401 || status == 403) return Code::kDenied;
  if (status == 429) return Code::kBusy;
  return status >= 500 ? Code::kUnavailable : Code::kInvalidInput;
}

Remedy remedy_of(std::string_view reason, int status) {
  if (const KnownError* known = find_known(reason)) return known->remedy;
  if (status == 429) return Remedy::kSlower;
  if (status >= 500) return Remedy::kAgain;
  // A HEAD is answered without a body, and so without a code.
  const bool refused = status == 400 || status == 401 || status == 403;
  return reason.empty() && refused ? Remedy::kResign : Remedy::kNone;
}

Error error_of(const net::HttpResponse& response) {
  const std::size_t start = std::min(response.body.find_first_not_of(" \t\r\n"), response.body.size());
  const bool is_xml = start < response.body.size() && response.body[start] == '<';
  Said said = is_xml ? read_xml(response.body) : read_json(response);
  if (said.message.empty()) {
    said.message = "the service answered with HTTP status " + std::to_string(response.status);
    if (!said.reason.empty()) said.message += " (" + said.reason + ")";
  }
  const Code code = code_of(said.reason, response.status);
  return Error{code, std::move(said.message), std::move(said.reason)};
}

}  // namespace facefleet::aws
