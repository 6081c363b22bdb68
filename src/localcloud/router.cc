#include "localcloud/router.h"

#include <algorithm>
#include <array>

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
  if (version == "2011-06-15") return "sts";
  return action ? "sqs" : "";
}

// Of `/service/GraniteServiceVersion20100801/operation/PutMetricData` (smithy's rpc-v2-cbor): the service.
std::string cbor_service(const net::HttpRequest& request) {
  constexpr std::string_view kBefore = "/service/";
  std::string_view path = request.path();
  if (request.headers.get("smithy-protocol") != "rpc-v2-cbor") return {};
  path.remove_prefix(path.starts_with(kBefore) ? kBefore.size() : 0);
  return std::string(path.substr(0, path.find('/')));
}

// The form of a service that is not here, so that whoever called it understands the refusal.
aws::Protocol form_of_unknown(const net::HttpRequest& request, std::string_view service) {
  if (is_form(request) || request.query().find("Action=") != std::string_view::npos) return aws::Protocol::kQuery;
  // REST services speak JSON, but for those that are as old as S3.
  constexpr std::array<std::string_view, 3> kRestXml{"cloudfront", "route53", "s3control"};
  return std::ranges::find(kRestXml, service) != kRestXml.end() ? aws::Protocol::kS3 : aws::Protocol::kJson;
}

}  // namespace

Route route(const net::HttpRequest& request) {
  if (const auto target = request.headers.get("x-amz-target")) {
    if (target->starts_with("AmazonSQS.")) return {Door::kSqs, aws::Protocol::kJson, "sqs"};
    if (target->starts_with("DynamoDB_20120810.")) return {Door::kDynamoDb, aws::Protocol::kJson, "dynamodb"};
    return {Door::kNone, aws::Protocol::kJson, std::string(target->substr(0, target->find('.')))};
  }
  if (std::string service = cbor_service(request); !service.empty())
    return {Door::kNone, aws::Protocol::kCbor, std::move(service)};
  std::string service = signed_service(request);
  if (service.empty()) service = versioned_service(request);
  if (service == "sqs") return {Door::kSqs, aws::Protocol::kQuery, service};
  if (service == "ec2") return {Door::kEc2, aws::Protocol::kEc2, service};
  if (service == "s3" || service.empty()) return {Door::kS3, aws::Protocol::kS3, "s3"};
  if (service == "sts") return {Door::kSts, aws::Protocol::kQuery, service};
  const aws::Protocol form = form_of_unknown(request, service);
  return {Door::kNone, form, std::move(service)};
}

}  // namespace facefleet::localcloud
