#include "aws/client.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "aws/dates.h"
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

constexpr std::size_t kFirstMs = 50;
constexpr std::size_t kFirstThrottledMs = 500;
constexpr std::int64_t kSkewMs = 4 * 60'000;  // a clock that is off by less is not why a signature was refused

// Full jitter: anything from nothing to the exponential step (M. Brooker, "Exponential Backoff And Jitter", AWS
// Architecture Blog, 2015).
Millis backoff(int retries, bool throttled, Random& random) {
  const std::size_t first_ms = throttled ? kFirstThrottledMs : kFirstMs;
  const std::size_t limit_ms = throttled ? limits::kAwsThrottledMs : limits::kAwsBackoffMs;
  const std::size_t step_ms = std::min(first_ms << std::min(retries, 16), limit_ms);
  return Millis(random.next() % (step_ms + 1));
}

std::optional<std::int64_t> read_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// How long the service asks to be left alone: seconds or a date (RFC 9110, 10.2.3), or AWS's own header, milliseconds.
Millis asked_pause(const net::Headers& headers, std::int64_t wall_ms) {
  constexpr std::int64_t kMost = 86'400'000;
  if (const auto own = headers.get("x-amz-retry-after")) return Millis(std::min(read_number(*own).value_or(0), kMost));
  const auto after = headers.get("retry-after");
  if (!after) return Millis(0);
  if (const auto seconds = read_number(*after)) return Millis(std::min(*seconds, kMost / 1'000) * 1'000);
  const auto date_ms = parse_http_date(*after);
  return Millis(date_ms ? std::clamp<std::int64_t>(*date_ms - wall_ms, 0, kMost) : 0);
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
        http_(net::HttpClient::open(executor, client_options(url, endpoint_.ca_file))) {}

  const std::string& region() const override { return scope_.region; }

  Task<Result<net::HttpResponse>> call(net::HttpRequest request, Millis timeout, bool idempotent,
                                       Millis least) override {
    const MonoTime deadline = clock_.now() + timeout;
    const MonoTime last_try = deadline - least;
    request.headers.set("Host", host_);
    request.headers.set("User-Agent", endpoint_.user_agent);
    Tries tries;
    for (;;) {
      std::optional<Credentials> fetched;
      const Credentials* keys = endpoint_.credentials->current();
      if (keys == nullptr) {
        auto waited_for = co_await endpoint_.credentials->get(deadline);
        if (!waited_for) co_return unsigned_for(waited_for.error());
        fetched = std::move(*waited_for);
        keys = &*fetched;
      }
      tries.version = endpoint_.credentials->version();
      net::HttpRequest attempt = request;
      std::optional<std::string> payload_hash;
      if (!hash_bodies_) payload_hash = kUnsignedPayload;
      sign(attempt, *keys, scope_, clock_.wall_ms() + clock_offset_ms_, std::move(payload_hash), &keys_);

      const Millis left = std::chrono::duration_cast<Millis>(deadline - clock_.now());
      Result<net::HttpResponse> response = co_await http_->send(std::move(attempt), left, idempotent);
      if (response && (response->status < 300 || response->status == 304)) {
        budget_.refill();
        co_return response;
      }
      Error error = response ? error_of(*response) : response.error();
      const bool again = co_await is_to_be_sent_again(response, error, idempotent, tries, last_try);
      if (!again) co_return error;
    }
  }

 private:
  // What one call has tried.
  struct Tries {
    int retries = 0;
    bool clock_set = false, keys_renewed = false;
    std::uint64_t version = 0;  // of the keys that it was signed with last
  };

  // Waits as long as is due before the next try.
  Task<bool> is_to_be_sent_again(const Result<net::HttpResponse>& response, Error& error, bool idempotent, Tries& tries,
                                 MonoTime last_try) {
    const Remedy remedy = response ? remedy_of(error.reason, response->status) : remedy_of_no_answer(error);
    if (remedy == Remedy::kResign) {
      const bool cured = co_await cure_signature(*response, tries, last_try);
      if (!cured) explain(error);
      co_return cured&& clock_.now() < last_try;
    }
    if (remedy == Remedy::kNone || (remedy == Remedy::kAgain && !idempotent)) co_return false;
    Millis pause = backoff(tries.retries++, remedy == Remedy::kSlower, random_);
    if (response) pause = std::max(pause, asked_pause(response->headers, clock_.wall_ms()));
    if (clock_.now() + pause >= last_try || !budget_.take()) co_return false;
    co_await sleep_for(pause);
    co_return true;
  }

  static Remedy remedy_of_no_answer(const Error& error) {
    const bool passes = error.code == Code::kUnavailable && error.reason != net::kCertificateRefused;
    return passes ? Remedy::kAgain : Remedy::kNone;
  }

  // A refused signature is first a matter of the clock, which the answer's Date tells, then of the keys.
  Task<bool> cure_signature(const net::HttpResponse& response, Tries& tries, MonoTime deadline) {
    const auto offset_ms = offset_of(response);
    if (offset_ms && std::abs(*offset_ms - clock_offset_ms_) > kSkewMs && !std::exchange(tries.clock_set, true)) {
      clock_offset_ms_ = *offset_ms;
      co_return true;
    }
    if (std::exchange(tries.keys_renewed, true)) co_return false;
    co_return co_await endpoint_.credentials->renew(tries.version, deadline);
  }

  std::optional<std::int64_t> offset_of(const net::HttpResponse& response) const {
    const auto date = response.headers.get("date");
    const auto date_ms = date ? parse_http_date(*date) : std::nullopt;
    if (!date_ms) return std::nullopt;
    return *date_ms - clock_.wall_ms();
  }

  void explain(Error& error) const {
    if (error.code != Code::kDenied || error.reason.empty()) return;
    error.message += " (The credentials are those of " + endpoint_.credentials->origin() + ".)";
  }

  // To the caller, a service that cannot be spoken to is one that is not there.
  static Error unsigned_for(const Error& error) {
    return {error.code == Code::kTimedOut ? Code::kTimedOut : Code::kUnavailable, error.message, error.reason};
  }

  static net::ClientOptions client_options(const net::Url& url, const std::string& ca_file) {
    net::ClientOptions options = net::options_for(url);
    options.connections_max = limits::kAwsConnections;
    options.ca_file = ca_file;
    return options;
  }

  const Endpoint endpoint_;
  const std::string host_;
  const Scope scope_;
  const bool hash_bodies_;
  const Clock& clock_;
  Random& random_;
  SigningKeys keys_;
  std::int64_t clock_offset_ms_ = 0;  // the service's clock less ours, where ours is too far off to sign by
  RetryBudget budget_;
  std::unique_ptr<net::HttpClient> http_;
};

}  // namespace

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
