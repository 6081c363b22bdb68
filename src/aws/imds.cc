#include "aws/imds.h"

#include <boost/json.hpp>

#include "aws/dates.h"
#include "net/http_client.h"

namespace facefleet::aws {
namespace {

constexpr Millis kTimeout{1'000};  // it is on this machine or at the next hop, or it is not there
constexpr std::int64_t kTokenLasts_s = 21'600;
constexpr Millis kTokenRenewed{20'000'000};  // before it ends
constexpr const char* kEc2Address = "http://169.254.169.254";
constexpr const char* kEc2AddressV6 = "http://[fd00:ec2::254]";

Result<std::optional<SpotAction>> parse_action(const std::string& text) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(text, failed);
  const auto* object = failed ? nullptr : value.if_object();
  const auto member = [object](const char* name) {
    const auto* found = object != nullptr ? object->if_contains(name) : nullptr;
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
  };
  const auto time_ms = parse_iso8601(member("time"));
  if (member("action").empty() || !time_ms)
    return Error{Code::kUnavailable, "the instance metadata service gave a spot notice that cannot be read: " + text,
                 std::string(kBadAnswer)};
  return std::optional(SpotAction{member("action"), *time_ms});
}

class HttpImds final : public Imds {
 public:
  HttpImds(std::unique_ptr<net::HttpClient> http, std::string base, const Clock& clock)
      : http_(std::move(http)), base_(std::move(base)), clock_(clock) {}

  Task<Result<Identity>> identity() override {
    Identity self;
    auto id = co_await get("meta-data/instance-id");
    if (!id) co_return id.error();
    self.id = std::move(*id);
    auto region = co_await get("meta-data/placement/region");
    if (!region) co_return region.error();
    self.region = std::move(*region);
    auto name = co_await get("meta-data/tags/instance/Name");
    if (name) self.name = std::move(*name);
    if (!name && name.error().code != Code::kNotFound) co_return name.error();
    co_return self;
  }

  Task<Result<std::optional<SpotAction>>> spot_action() override {
    const auto text = co_await get("meta-data/spot/instance-action");
    if (text) co_return parse_action(*text);
    if (text.error().code == Code::kNotFound) co_return std::optional<SpotAction>();
    co_return text.error();
  }

  // A token that is no longer known is asked for once more.
  Task<Result<std::string>> get(std::string path) override {
    for (int tries = 0;; ++tries) {
      auto ready = co_await have_token();
      if (!ready) co_return ready.error();
      net::HttpRequest request;
      request.target = base_ + "/latest/" + path;
      if (!token_.empty()) request.headers.set("X-aws-ec2-metadata-token", token_);
      auto response = co_await http_->send(std::move(request), kTimeout, /*idempotent=*/true);
      if (!response) co_return response.error();
      if (response->status == 200) co_return std::move(response->body);
      if (response->status == 404) co_return Error{Code::kNotFound, "instance metadata has no " + path, ""};
      token_end_ = {};
      if (response->status != 401 || tries > 0)
        co_return Error{Code::kUnavailable,
                        "the instance metadata service answered " + std::to_string(response->status) + " to " + path,
                        std::string(kBadAnswer)};
    }
  }

 private:
  Task<Result<void>> have_token() {
    if (clock_.now() < token_end_) co_return Result<void>();
    net::HttpRequest request;
    request.method = "PUT";
    request.target = base_ + "/latest/api/token";
    request.headers.set("X-aws-ec2-metadata-token-ttl-seconds", std::to_string(kTokenLasts_s));
    auto response = co_await http_->send(std::move(request), kTimeout, /*idempotent=*/true);
    if (!response) co_return response.error();
    const int status = response->status;
    if (status != 200 && status != 403 && status != 404 && status != 405)
      co_return Error{Code::kUnavailable,
                      "the instance metadata service gave no token but status " + std::to_string(status),
                      std::string(kBadAnswer)};
    token_ = status == 200 ? std::move(response->body) : "";
    token_end_ = clock_.now() + kTokenRenewed;
    co_return Result<void>();
  }

  std::unique_ptr<net::HttpClient> http_;
  const std::string base_;
  const Clock& clock_;
  std::string token_;
  MonoTime token_end_{};
};

}  // namespace

std::string Imds::url_from_environment(const Environment& environment) {
  std::string named = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (!named.empty()) return named;
  return net::equal_ignoring_case(environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6") ? kEc2AddressV6
                                                                                                 : kEc2Address;
}

Result<std::unique_ptr<Imds>> Imds::open(const Executor& executor, const std::string& url, const Clock& clock) {
  auto parsed = net::parse_url(url);
  if (!parsed) return parsed.error();
  net::ClientOptions options = net::options_for(*parsed);
  options.connect_timeout = kTimeout;
  std::string base = parsed->target;
  while (!base.empty() && base.back() == '/') base.pop_back();
  return std::unique_ptr<Imds>(
      std::make_unique<HttpImds>(net::HttpClient::open(executor, options), std::move(base), clock));
}

}  // namespace facefleet::aws
