// An instance's role: EC2's metadata service gives its keys.
#include <algorithm>

#include "aws/credential_documents.h"
#include "aws/credential_sources.h"
#include "aws/imds.h"

namespace facefleet::aws {
namespace {

// Expired keys are used on while the metadata service has no new ones: EC2 accepts them then. As botocore does it.
constexpr std::int64_t kProlongedMs = 10 * 60'000;
constexpr std::int64_t kJitterMs = 5 * 60'000;

// A machine that is no instance has no such service; one whose service answers with a failure is an instance.
Error elsewhere(const Error& error, const std::string& url) {
  if (error.code == Code::kNotFound) return {Code::kNotFound, "this instance has no role", ""};
  const bool nobody = error.code == Code::kTimedOut || error.reason != kBadAnswer;
  return nobody ? Error{Code::kNotFound, "nobody answers at " + url, ""} : error;
}

}  // namespace

Task<Result<Granted>> credentials_of_instance(const Surroundings& around) {
  if (is_metadata_disabled(around.environment))
    co_return Error{Code::kNotFound, "AWS_EC2_METADATA_DISABLED is set", ""};
  const std::string url = Imds::url_from_environment(around.environment);
  const Executor executor = co_await asio::this_coro::executor;
  auto imds = Imds::open(executor, url, around.clock);
  if (!imds) co_return imds.error();
  std::string path = "meta-data/iam/security-credentials/";
  const auto roles = co_await (*imds)->get(path);
  if (!roles) co_return elsewhere(roles.error(), url);
  const std::string role = roles->substr(0, roles->find_first_of("\r\n"));
  path += role;
  const auto text = co_await (*imds)->get(std::move(path));
  if (!text) co_return Error{Code::kUnavailable, text.error().message, text.error().reason};
  auto document = parse_credential_json(*text);
  if (!document) co_return document.error();
  const std::int64_t now_ms = around.clock.wall_ms();
  if (document->expires_ms && *document->expires_ms <= now_ms)
    document->expires_ms = now_ms + kProlongedMs + static_cast<std::int64_t>(around.random.next() % kJitterMs);
  co_return Granted{std::move(document->credentials), document->expires_ms, "this instance's role " + role};
}

}  // namespace facefleet::aws
