#include "localcloud/router.h"

#include <algorithm>

namespace facefleet::localcloud {
namespace {

// Of `AKID/20260131/us-east-1/sqs/aws4_request`: `sqs`; empty if it has another form.
std::string_view service_of(std::string_view credential) {
  credential = credential.substr(0, credential.find_first_of(", "));
  const std::size_t end = credential.rfind('/');
  if (end == std::string_view::npos || end == 0) return {};
  const std::size_t start = credential.rfind('/', end - 1);
  return start == std::string_view::npos ? std::string_view() : credential.substr(start + 1, end - start - 1);
}

std::string_view after(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + mark.size());
}

std::string signed_service(const net::HttpRequest& request) {
  if (const auto authorization = request.headers.get("authorization"))
    return std::string(service_of(after(*authorization, "Credential=")));
  for (const auto& [name, value] : net::parse_form(request.query()))
    if (name == "X-Amz-Credential") return std::string(service_of(value));
  return {};
}

bool is_form(const net::HttpRequest& request) {
  return request.headers.get("content-type").value_or("").starts_with("application/x-www-form-urlencoded");
}

// The API versions of the query form are dates; two services have none in common.
std::string versioned_service(const net::HttpRequest& request) {
  std::string form(request.query());
  if (is_form(request)) form.append("&").append(request.body);
  bool action = false;
  std::string version;
  for (auto& [name, value] : net::parse_form(form)) {
    action = action || name == "Action";
    if (name == "Version") version = std::move(value);
  }
  if (version == "2016-11-15") return "ec2";
  return action ? "sqs" : "";
}

}  // namespace

Route route(const net::HttpRequest& request) {
  if (const auto target = request.headers.get("x-amz-target")) {
    if (target->starts_with("AmazonSQS.")) return {Door::kSqs, aws::Protocol::kJson, "sqs"};
    return {Door::kNone, aws::Protocol::kJson, std::string(target->substr(0, target->find('.')))};
  }
  std::string service = signed_service(request);
  if (service.empty()) service = versioned_service(request);
  if (service == "sqs") return {Door::kSqs, aws::Protocol::kQuery, service};
  if (service == "ec2") return {Door::kEc2, aws::Protocol::kEc2, service};
  if (service == "s3" || service.empty()) return {Door::kS3, aws::Protocol::kS3, "s3"};
  return {Door::kNone, aws::Protocol::kQuery, service};
}

}  // namespace facefleet::localcloud
