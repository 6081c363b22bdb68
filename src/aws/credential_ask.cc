#include "aws/credential_ask.h"

#include "aws/error_forms.h"
#include "net/http_client.h"

namespace facefleet::aws {
namespace {

constexpr std::int64_t kPauseMs = 100;  // before the second try; twice as long before each further one

bool may_pass(const Result<net::HttpResponse>& answer) {
  if (!answer) return answer.error().code == Code::kUnavailable && answer.error().reason != net::kCertificateRefused;
  if (answer->status < 300) return false;
  const Remedy remedy = remedy_of(error_of(*answer).reason, answer->status);
  return remedy == Remedy::kAgain || remedy == Remedy::kSlower;
}

}  // namespace

Task<Result<net::HttpResponse>> ask(Ask what, Random& random) {
  const auto url = net::parse_url(what.url);
  if (!url) co_return url.error();
  net::ClientOptions options = net::options_for(*url);
  options.ca_file = what.ca_file;
  const Executor executor = co_await asio::this_coro::executor;
  const auto http = net::HttpClient::open(executor, std::move(options));
  what.request.target = url->target;
  for (int tried = 1;; ++tried) {
    net::HttpRequest request = what.request;
    auto answer = co_await http->send(std::move(request), what.timeout);
    if (tried >= what.tries || !may_pass(answer)) co_return answer;
    const std::int64_t step_ms = kPauseMs << tried;
    co_await sleep_for(
        Millis(step_ms / 2 + static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(step_ms / 2))));
  }
}

}  // namespace facefleet::aws
