#include "aws/client.h"

#include <algorithm>
#include <cstdlib>

#include "aws/error_forms.h"
#include "base/limits.h"
#include "net/http_client.h"

namespace facefleet::aws {
namespace {

// Retries draw on tokens that only successes bring back, so that a neighbour that is down is not buried under our
// retries. The figures are those of the AWS SDKs' standard retry mode.
class RetryBudget {
 public:
  bool take() {
    if (tokens_ < kRetryCost) return false;
    tokens_ -= kRetryCost;
    return true;
  }
  void refill() { tokens_ = std::min(tokens_ + 1, limits::kAwsRetryTokens); }

 private:
  static constexpr std::size_t kRetryCost = 5;
  std::size_t tokens_ = limits::kAwsRetryTokens;
};

// Full jitter: anything from nothing to the exponential step (M. Brooker, "Exponential Backoff And Jitter", AWS
// Architecture Blog, 2015).
Millis backoff(int retries, Random& random) {
  constexpr std::size_t kFirstMs = 50;
  const std::size_t step_ms = std::min(kFirstMs << std::min(retries, 16), limits::kAwsBackoffMs);
  return Millis(random.next() % (step_ms + 1));
}

std::string host_header(const net::Url& url) {
  std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  if (url.port != (url.tls ? 443 : 80)) host += ":" + std::to_string(url.port);
  return host;
}

class SigningClient final : public Client {
 public:
  SigningClient(const Executor& executor, Endpoint endpoint, const net::Url& url, std::string service,
                const Clock& clock, Random& random)
      : endpoint_(std::move(endpoint)),
        host_(host_header(url)),
        scope_{endpoint_.region, std::move(service)},
        // Hashing a photo costs more than all the rest of a signature, on both sides. Where nobody can change a body
        // on its way, because TLS or the kernel carries it, S3's bodies go unhashed, as the AWS SDKs do over TLS.
        hash_bodies_(scope_.service != "s3" || !(url.tls || net::is_loopback(url.host))),
        clock_(clock),
        random_(random),
        http_(net::HttpClient::open(executor, client_options(url))) {}

  const std::string& region() const override { return scope_.region; }

  Task<Result<net::HttpResponse>> call(net::HttpRequest request, Millis timeout, bool idempotent) override {
    const MonoTime deadline = clock_.now() + timeout;
    request.headers.set("Host", host_);
    request.headers.set("User-Agent", endpoint_.user_agent);
    for (int retries = 0;; ++retries) {
      // Only an idempotent call comes round again.  NOLINTNEXTLINE(bugprone-use-after-move)
      net::HttpRequest attempt = idempotent ? request : std::move(request);
      std::optional<std::string> payload_hash;
      if (!hash_bodies_) payload_hash = kUnsignedPayload;
      sign(attempt, endpoint_.credentials, scope_, clock_.wall_ms(), std::move(payload_hash), &keys_);

      const Millis left = std::chrono::duration_cast<Millis>(deadline - clock_.now());
      Result<net::HttpResponse> response = co_await http_->send(std::move(attempt), left);
      const bool arrived = response.has_value();
      if (arrived && (response->status < 300 || response->status == 304)) {
        budget_.refill();
        co_return response;
      }
      Error error = arrived ? error_of(*response) : response.error();
      const bool retry = arrived ? is_worth_retrying(error.reason, response->status) : error.code == Code::kUnavailable;
      const Millis pause = backoff(retries, random_);
      if (!idempotent || !retry || clock_.now() + pause >= deadline || !budget_.take()) co_return error;
      co_await sleep_for(pause);
    }
  }

 private:
  static net::ClientOptions client_options(const net::Url& url) {
    net::ClientOptions options;
    options.host = url.host;
    options.port = url.port;
    options.tls = url.tls;
    options.connections_max = limits::kAwsConnections;
    return options;
  }

  const Endpoint endpoint_;
  const std::string host_;
  const Scope scope_;
  const bool hash_bodies_;
  const Clock& clock_;
  Random& random_;
  SigningKeys keys_;
  RetryBudget budget_;
  std::unique_ptr<net::HttpClient> http_;
};

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

std::string first_of(std::string first, std::string second) { return first.empty() ? second : first; }

}  // namespace

Result<Endpoint> endpoint_from_environment(const std::string& service) {
  std::string upper = service;
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  Endpoint endpoint;
  endpoint.url = first_of(environment("AWS_ENDPOINT_URL_" + upper), environment("AWS_ENDPOINT_URL"));
  endpoint.region = first_of(environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"));
  endpoint.credentials = {environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                          environment("AWS_SESSION_TOKEN")};
  const auto require = [](const std::string& value, std::string_view name, std::string& missing) {
    if (value.empty()) missing.append(missing.empty() ? "" : ", ").append(name);
  };
  std::string missing;
  require(endpoint.url, "AWS_ENDPOINT_URL", missing);
  require(endpoint.region, "AWS_REGION", missing);
  require(endpoint.credentials.access_key_id, "AWS_ACCESS_KEY_ID", missing);
  require(endpoint.credentials.secret_access_key, "AWS_SECRET_ACCESS_KEY", missing);
  if (!missing.empty())
    return Error{
        Code::kInvalidInput,
        "Set " + missing + " in the environment; for a running `facefleet up`, `eval \"$(facefleet env)\"` does.",
        "missing_environment"};
  return endpoint;
}

Result<std::unique_ptr<Client>> Client::open(const Executor& executor, Endpoint endpoint, std::string service,
                                             const Clock& clock, Random& random) {
  const auto url = net::parse_url(endpoint.url);
  if (!url) return url.error();
  if (url->target != "/")
    return Error{Code::kInvalidInput, "An AWS endpoint is an origin without a path, not " + endpoint.url + ".",
                 "bad_endpoint"};
  return std::unique_ptr<Client>(
      std::make_unique<SigningClient>(executor, std::move(endpoint), *url, std::move(service), clock, random));
}

}  // namespace facefleet::aws
