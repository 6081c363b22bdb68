#include "aws/session.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "aws/credential_sources.h"
#include "aws/endpoints.h"
#include "aws/imds.h"
#include "aws/profile_files.h"

namespace facefleet::aws {
namespace {

std::string first_of(std::string first, std::string second) { return first.empty() ? second : first; }

std::string upper_case(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  return text;
}

// Runs `task` to its end on an I/O context of its own: the process's does not run yet.
template <class T>
Result<T> run_alone(asio::io_context& context, Task<Result<T>> task) {
  Result<T> out = Error{Code::kInternal, "a question about credentials got no answer", ""};
  asio::co_spawn(context, std::move(task), [&out](const std::exception_ptr& bug, Result<T> answer) {
    if (!bug) out = std::move(answer);
  });
  context.run();
  return out;
}

Task<Result<std::string>> region_of_instance(const Environment& environment, const Clock& clock) {
  if (is_metadata_disabled(environment)) co_return Error{Code::kNotFound, "AWS_EC2_METADATA_DISABLED is set", ""};
  const Executor executor = co_await asio::this_coro::executor;
  auto imds = Imds::open(executor, Imds::url_from_environment(environment), clock);
  if (!imds) co_return imds.error();
  std::string path = "meta-data/placement/region";
  co_return co_await (*imds)->get(std::move(path));
}

class FoundSession final : public Session {
 public:
  explicit FoundSession(Environment environment) : environment_(std::move(environment)) {}

  // Reads what is needed of environment and files.
  Result<void> read() {
    const bool complete = !environment_("AWS_ENDPOINT_URL").empty() && !region_of_environment().empty() &&
                          !environment_("AWS_ACCESS_KEY_ID").empty();
    if (!complete) {
      auto profile = load_profile(environment_);
      if (!profile) return profile.error();
      profile_ = std::move(*profile);
    }
    region_ = first_of(region_of_environment(), profile_.get("region"));
    ca_file_ = first_of(environment_("AWS_CA_BUNDLE"), profile_.get("ca_bundle"));
    return {};
  }

  Result<void> find_region(const Clock& clock) {
    if (!region_.empty()) return {};
    asio::io_context context;
    auto found = run_alone(context, region_of_instance(environment_, clock));
    if (!found)
      return Error{Code::kInvalidInput,
                   "Which AWS region? Set AWS_REGION, or region in the profile '" + profile_.name +
                       "'; for a running `facefleet up`, `eval \"$(facefleet env)\"` does. (The instance metadata "
                       "service does not say: " +
                       found.error().message + ")",
                   "no_region"};
    region_ = std::move(*found);
    return {};
  }

  Result<void> find_keys(const Executor& executor, const Clock& clock, Random& random, const Log& log) {
    const auto sts = url_of("sts", region_);
    const auto around =
        std::make_shared<Surroundings>(Surroundings{environment_, sts ? *sts : std::string(), ca_file_, clock, random});
    asio::io_context context;
    auto first = run_alone(context, find_credentials(*around));
    std::optional<Granted> granted;
    if (first) {
      granted = std::move(*first);
    } else if (first.error().code == Code::kUnavailable || first.error().code == Code::kTimedOut) {
      log.warn("no credentials yet", {{"why", first.error().message}});
    } else {
      return first.error();
    }
    credentials_ = SharedCredentials::open(
        executor, [around] { return find_credentials(*around); }, std::move(granted), clock, random, log);
    return {};
  }

  Result<Endpoint> endpoint(const std::string& service, const std::string& region) const override {
    Endpoint endpoint;
    endpoint.region = first_of(region, region_);
    auto url = url_of(service, endpoint.region);
    if (!url) return url.error();
    endpoint.url = std::move(*url);
    endpoint.credentials = credentials_;
    endpoint.ca_file = ca_file_;
    return endpoint;
  }

 private:
  std::string region_of_environment() const {
    return first_of(environment_("AWS_REGION"), environment_("AWS_DEFAULT_REGION"));
  }

  Result<std::string> url_of(const std::string& service, const std::string& region) const {
    std::string url;
    const std::string ignore =
        first_of(environment_("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), profile_.get("ignore_configured_endpoint_urls"));
    if (!net::equal_ignoring_case(ignore, "true")) {
      url = first_of(environment_("AWS_ENDPOINT_URL_" + upper_case(service)), environment_("AWS_ENDPOINT_URL"));
      if (url.empty())
        url = first_of(profile_.get("services." + service + ".endpoint_url"), profile_.get("endpoint_url"));
    }
    if (url.empty()) return regional_endpoint(service, region);
    while (url.ends_with('/')) url.pop_back();
    return url;
  }

  const Environment environment_;
  AwsProfile profile_;
  std::string region_, ca_file_;
  std::shared_ptr<SharedCredentials> credentials_;
};

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const Executor& executor, const Environment& environment,
                                               const Clock& clock, Random& random, Log log) {
  auto session = std::make_unique<FoundSession>(environment);
  if (auto read = session->read(); !read) return read.error();
  if (auto region = session->find_region(clock); !region) return region.error();
  if (auto keys = session->find_keys(executor, clock, random, log); !keys) return keys.error();
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace facefleet::aws
