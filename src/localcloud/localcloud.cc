#include "localcloud/localcloud.h"

#include "aws/sigv2.h"
#include "aws/wire.h"
#include "base/limits.h"
#include "localcloud/dynamodb/dynamodb_door.h"
#include "localcloud/ec2/ec2_door.h"
#include "localcloud/ec2/imds.h"
#include "localcloud/router.h"
#include "localcloud/s3/s3_door.h"
#include "localcloud/sqs/sqs_door.h"
#include "localcloud/sts/sts_door.h"
#include "net/http_server.h"

namespace facefleet::localcloud {
namespace {

// An object in aws-chunked: S3's clients wrap each 64 KB in at most a hundred bytes more.
constexpr std::uint64_t kS3BodyBytes = limits::kObjectBytes + limits::kObjectBytes / 64;

std::string uuid(Random& random) {
  std::string text = random_hex(random, 32);
  for (const std::size_t dash : {20, 16, 12, 8}) text.insert(dash, 1, '-');
  return text;
}

std::string_view xml_namespace(Door door) {
  if (door == Door::kEc2) return ec2::kNamespace;
  return door == Door::kSts ? sts::kNamespace : sqs::kNamespace;
}

bool claims_a_signature(const net::HttpRequest& request) {
  return request.headers.get("authorization") || request.query().find("X-Amz-Signature=") != std::string_view::npos ||
         aws::is_presigned_v2(request);
}

// The same refusals have other names in DynamoDB.
Error as_dynamodb(Error error) {
  if (error.reason == "InvalidClientTokenId") error.reason = "UnrecognizedClientException";
  if (error.reason == "SignatureDoesNotMatch") error.reason = "InvalidSignatureException";
  if (error.reason == "MissingAuthenticationToken") error.reason = "MissingAuthenticationTokenException";
  return error;
}

Error unsigned_error(const Route& to) {
  if (to.door != Door::kS3)
    return {Code::kDenied, "Request is missing Authentication Token", "MissingAuthenticationToken"};
  return {Code::kDenied, "Access Denied", "AccessDenied"};
}

// A page of another site cannot set Authorization on what it sends here, and one whose name was made to point here
// (DNS rebinding) shows by its Host.
bool is_from_tool(const Route& to, const net::HttpRequest& request) {
  std::string_view host = request.headers.get("host").value_or("");
  if (!host.ends_with(']')) host = host.substr(0, std::min(host.rfind(':'), host.size()));
  const bool is_here = net::is_loopback(host) || host.ends_with(".localhost");
  return is_here && !request.headers.get("origin") && (request.headers.get("authorization") || to.door == Door::kS3);
}

class Doors final : public LocalCloud {
 public:
  Doors(Options options, Parts parts)
      : options_(std::move(options)),
        parts_(std::move(parts)),
        sqs_{parts_.queues, options_.region, options_.account, parts_.clock, options_.queue_pause},
        s3_{parts_.store, options_.region, options_.account,
            options_.any_key ? std::string() : options_.credentials.secret_access_key, signing_keys_},
        ec2_{parts_.fleet, options_.region, options_.account, parts_.other_instances},
        dynamodb_{parts_.tables, options_.account},
        imds_(parts_.fleet, options_.region, options_.account, options_.credentials, parts_.clock, parts_.random) {}

  Result<void> listen(const Executor& executor) {
    net::ServerOptions options;
    options.host = options_.host;
    options.port = options_.port;
    options.error_response = [this](int status, std::string sentence) { return refused(status, std::move(sentence)); };
    auto server = net::HttpServer::listen(
        executor, std::move(options), [this](const net::HttpRequest& request) { return admit(request); },
        [this](net::HttpRequest& request) { return handle(request); }, parts_.log);
    if (!server) return server.error();
    server_ = std::move(*server);
    return {};
  }

  std::uint16_t port() const override { return server_->port(); }
  Task<> drain(MonoTime deadline) override { return server_->drain(deadline); }

 private:
  // Refuses before the body is read what cannot be let in whatever the body says.
  net::Admission admit(const net::HttpRequest& request) {
    net::Admission admission;
    if (ec2::Imds::is_for(request)) return admission;
    const Route to = route(request);
    admission.in_pieces = to.door == Door::kS3;
    admission.body_bytes_max = to.door == Door::kS3 ? kS3BodyBytes : limits::kDoorCallBytes;
    if (!claims_a_signature(request)) {
      const std::string id = uuid(parts_.random);
      admission.refusal = refuse(to, id, unsigned_error(to));
    }
    return admission;
  }

  Task<net::HttpResponse> handle(net::HttpRequest& request) {
    if (ec2::Imds::is_for(request)) co_return co_await imds_.serve(request);
    const Route to = route(request);
    std::string id = uuid(parts_.random);
    auto verified = verify(to, request);
    if (!verified) co_return refuse(to, id, verified.error());
    net::HttpResponse response;
    switch (to.door) {
      case Door::kSqs: response = co_await sqs::serve(sqs_, request, to.protocol, id); break;
      case Door::kS3: response = co_await s3::serve(s3_, request, std::move(verified->payload), id); break;
      case Door::kEc2: response = co_await ec2::serve(ec2_, request, id); break;
      case Door::kSts: response = sts::serve(request, options_.account, verified->access_key_id, id); break;
      case Door::kDynamoDb:
        response = co_await dynamodb::serve(dynamodb_, request, std::move(verified->scope.region), id);
        break;
      case Door::kNone: response = unknown_service(to, id); break;
    }
    co_return finish(to, id, std::move(response));
  }

  net::HttpResponse refuse(const Route& to, const std::string& id, Error error) {
    if (to.door == Door::kDynamoDb) error = as_dynamodb(std::move(error));
    net::HttpResponse response = aws::error_answer({to.protocol, xml_namespace(to.door), id}, error);
    if (to.door == Door::kDynamoDb) dynamodb::add_crc32(response);
    return finish(to, id, std::move(response));
  }

  Result<aws::Verified> verify(const Route& to, const net::HttpRequest& request) {
    if (options_.any_key && is_from_tool(to, request)) return unverified(request);
    const auto secret_of = [this](std::string_view access_key_id) -> std::optional<std::string> {
      if (access_key_id != options_.credentials.access_key_id) return std::nullopt;
      return options_.credentials.secret_access_key;
    };
    const std::int64_t now_ms = parts_.clock.wall_ms();
    if (to.door == Door::kS3 && !request.headers.get("authorization") && aws::is_presigned_v2(request)) {
      auto right = aws::verify_presigned_v2(request, s3::bucket_of_host(request), secret_of, now_ms);
      if (!right) return right.error();
      return aws::Verified{options_.credentials.access_key_id, {}, std::string(aws::kUnsignedPayload)};
    }
    // An object's body comes later, and is compared then.
    auto verified = to.door == Door::kS3 ? aws::verify_head(request, secret_of, now_ms, &signing_keys_)
                                         : aws::verify(request, secret_of, now_ms, &signing_keys_);
    if (verified && to.door != Door::kNone && verified->scope.service != to.service)
      return Error{Code::kDenied, "Credential should be scoped to correct service: '" + to.service + "'.",
                   "SignatureDoesNotMatch"};
    return verified;
  }

  // What a request says of itself.
  aws::Verified unverified(const net::HttpRequest& request) const {
    const std::string_view authorization = request.headers.get("authorization").value_or("");
    const std::size_t at = authorization.find("Credential=");
    const std::string_view credential = at == std::string_view::npos ? "" : authorization.substr(at + 11);
    return {std::string(credential.substr(0, credential.find('/'))),
            {},
            std::string(request.headers.get("x-amz-content-sha256").value_or(aws::kUnsignedPayload))};
  }

  net::HttpResponse unknown_service(const Route& to, const std::string& id) const {
    const Error error{
        Code::kInvalidInput,
        "There is no service " + to.service + " here; this is SQS, S3, EC2, DynamoDB and STS on one machine.",
        "InvalidAction"};
    return aws::error_answer({to.protocol, xml_namespace(to.door), id}, error);
  }

  static net::HttpResponse finish(const Route& to, const std::string& id, net::HttpResponse response) {
    response.headers.add(to.door == Door::kS3 ? "x-amz-request-id" : "x-amzn-RequestId", id);
    return response;
  }

  // The server's own refusals; whom the request was for is not known yet, and S3's form is read by every SDK's parser
  // of last resort.
  net::HttpResponse refused(int status, std::string sentence) {
    const std::string id = uuid(parts_.random);
    std::string reason = "BadRequest";
    if (status == 413) reason = "RequestEntityTooLarge";
    if (status == 503) reason = "SlowDown";
    const Error error{Code::kInvalidInput, std::move(sentence), std::move(reason)};
    net::HttpResponse response = aws::error_answer({aws::Protocol::kS3, {}, id}, error);
    response.status = status;
    return finish({}, id, std::move(response));
  }

  const Options options_;
  const Parts parts_;
  aws::SigningKeys signing_keys_;
  sqs::Service sqs_;
  s3::Service s3_;
  ec2::Service ec2_;
  dynamodb::Service dynamodb_;
  const ec2::Imds imds_;
  std::unique_ptr<net::HttpServer> server_;  // last: nothing is served any more once the rest goes
};

}  // namespace

std::string metadata_path(std::string_view instance_id, const aws::Credentials& credentials) {
  return ec2::Imds::path_of(instance_id, credentials);
}

Result<std::unique_ptr<LocalCloud>> LocalCloud::open(const Executor& executor, Options options, Parts parts) {
  auto doors = std::make_unique<Doors>(std::move(options), std::move(parts));
  if (auto listening = doors->listen(executor); !listening) return listening.error();
  return std::unique_ptr<LocalCloud>(std::move(doors));
}

}  // namespace facefleet::localcloud
