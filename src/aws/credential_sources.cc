#include "aws/credential_sources.h"

#include <algorithm>
#include <array>

#include "aws/profile_files.h"
#include "net/http.h"

namespace facefleet::aws {
namespace {

struct Source {
  std::string_view name;
  Task<Result<Granted>> (*fetch)(const Surroundings& around);
};

constexpr auto kSources = std::to_array<Source>({
    {"the environment", credentials_of_environment},
    {"a web identity", credentials_of_web_identity},
    {"a profile", credentials_of_profile},
    {"a container's role", credentials_of_container},
    {"an instance's role", credentials_of_instance},
});

// Settings by which other programs come to a profile's keys.
constexpr std::array<const char*, 6> kOtherWays = {"credential_process", "sso_session",       "sso_start_url",
                                                   "source_profile",     "credential_source", "login_session"};

Error half(const std::string& where, const std::string& missing) {
  return {Code::kInvalidInput, where + " has half a key: set " + missing + " too.", "half_a_key"};
}

}  // namespace

Task<Result<Granted>> find_credentials(const Surroundings& around) {
  std::string tried;
  for (const Source& source : kSources) {
    auto granted = co_await source.fetch(around);
    if (granted || granted.error().code != Code::kNotFound) co_return granted;
    tried.append(tried.empty() ? "" : "; ")
        .append(source.name)
        .append(" (")
        .append(granted.error().message)
        .append(")");
  }
  co_return Error{Code::kInvalidInput,
                  "There are no AWS credentials. Looked for in: " + tried +
                      ". Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for a running `facefleet up`, "
                      "`eval \"$(facefleet env)\"` does.",
                  "no_credentials"};
}

Task<Result<Granted>> credentials_of_environment(const Surroundings& around) {
  Granted granted{{around.environment("AWS_ACCESS_KEY_ID"), around.environment("AWS_SECRET_ACCESS_KEY"),
                   around.environment("AWS_SESSION_TOKEN")},
                  std::nullopt,
                  "the environment (AWS_ACCESS_KEY_ID)"};
  const bool has_id = !granted.credentials.access_key_id.empty();
  const bool has_secret = !granted.credentials.secret_access_key.empty();
  if (!has_id && !has_secret) co_return Error{Code::kNotFound, "AWS_ACCESS_KEY_ID is not set", ""};
  if (!has_id) co_return half("The environment", "AWS_ACCESS_KEY_ID");
  if (!has_secret) co_return half("The environment", "AWS_SECRET_ACCESS_KEY");
  co_return granted;
}

Task<Result<Granted>> credentials_of_profile(const Surroundings& around) {
  const auto profile = load_profile(around.environment);
  if (!profile) co_return profile.error();
  const std::string where = "the profile '" + profile->name + "'";
  Granted granted{
      {profile->get("aws_access_key_id"), profile->get("aws_secret_access_key"), profile->get("aws_session_token")},
      std::nullopt,
      where};
  const bool has_id = !granted.credentials.access_key_id.empty();
  const bool has_secret = !granted.credentials.secret_access_key.empty();
  if (has_id && has_secret) co_return granted;
  if (has_id || has_secret) co_return half(where, has_id ? "aws_secret_access_key" : "aws_access_key_id");
  for (const char* other : kOtherWays)
    if (!profile->get(other).empty())
      co_return Error{Code::kInvalidInput,
                      where + " gets its keys by " + other +
                          ", which facefleet does not do; run `eval \"$(aws configure "
                          "export-credentials --profile " +
                          profile->name + " --format env)\"` first.",
                      "unsupported_profile"};
  co_return Error{
      Code::kNotFound,
      "no keys of " + where + " in " + profile->credentials_file.string() + " or " + profile->config_file.string(), ""};
}

bool is_metadata_disabled(const Environment& environment) {
  return net::equal_ignoring_case(environment("AWS_EC2_METADATA_DISABLED"), "true");
}

}  // namespace facefleet::aws
