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
  bool retry;
};

// Only those whose HTTP status alone would mislead.
constexpr auto kKnownErrors = std::to_array<KnownError>({
    {"NonExistentQueue", Code::kNotFound, false},  // 400
    {"QueueDoesNotExist", Code::kNotFound, false},
    {"ResourceNotFoundException", Code::kNotFound, false},
    {"InvalidInstanceID.NotFound", Code::kNotFound, false},
    {"QueueAlreadyExists", Code::kConflict, false},
    {"QueueNameExists", Code::kConflict, false},
    {"IncorrectInstanceState", Code::kConflict, false},
    {"QueueDeletedRecently", Code::kBusy, false},
    {"PurgeQueueInProgress", Code::kBusy, false},          // 403
    {"InsufficientInstanceCapacity", Code::kBusy, false},  // 500
    {"InstanceLimitExceeded", Code::kBusy, false},
    {"VcpuLimitExceeded", Code::kBusy, false},
    {"OverLimit", Code::kBusy, true},  // 403
    {"RequestLimitExceeded", Code::kBusy, true},
    {"RequestThrottled", Code::kBusy, true},
    {"RequestThrottledException", Code::kBusy, true},
    {"SlowDown", Code::kBusy, true},
    {"Throttling", Code::kBusy, true},
    {"ThrottlingException", Code::kBusy, true},
    {"ThrottledException", Code::kBusy, true},
    {"TooManyRequestsException", Code::kBusy, true},
    {"RequestTimeout", Code::kUnavailable, true},  // 400: S3 waited for the body in vain
    {"AuthFailure", Code::kDenied, false},
    {"RequestExpired", Code::kDenied, false},
    {"InvalidClientTokenId", Code::kDenied, false},
    {"IncompleteSignature", Code::kDenied, false},
    {"MissingAuthenticationToken", Code::kDenied, false},
    {"UnauthorizedOperation", Code::kDenied, false},
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

bool is_worth_retrying(std::string_view reason, int status) {
  if (const KnownError* known = find_known(reason)) return known->retry;
  return status == 429 || status >= 500;
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
