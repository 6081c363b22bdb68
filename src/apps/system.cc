#include "apps/system.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <map>

#include "base/file.h"

namespace facefleet::apps {
namespace {

namespace json = boost::json;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::map<std::string, std::string> read_lines(const std::filesystem::path& file) {
  std::map<std::string, std::string> values;
  const auto text = read_file(file);
  if (!text) return values;
  std::size_t at = 0;
  while (at < text->size()) {
    const auto end = std::min(text->find('\n', at), text->size());
    const auto equals = text->find('=', at);
    if (equals < end) values[text->substr(at, equals - at)] = text->substr(equals + 1, end - equals - 1);
    at = end + 1;
  }
  return values;
}

}  // namespace

aws::Credentials choose_credentials(const std::filesystem::path& data_dir, Random& random) {
  aws::Credentials own{variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), ""};
  if (!own.access_key_id.empty() && !own.secret_access_key.empty()) return own;
  if (auto earlier = load_cloud_env(data_dir)) return earlier->credentials;
  return {"FFLOCAL" + random_hex(random, 13), random_hex(random, 40), ""};
}

std::optional<CloudEnv> load_cloud_env(const std::filesystem::path& data_dir) {
  auto values = read_lines(data_dir / "cloud.env");
  CloudEnv env{values["AWS_ENDPOINT_URL"],
               values["AWS_REGION"],
               {values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], ""}};
  if (env.endpoint.empty() || env.credentials.access_key_id.empty() || env.credentials.secret_access_key.empty())
    return std::nullopt;
  return env;
}

Result<void> save_cloud_env(const std::filesystem::path& data_dir, const CloudEnv& env) {
  // Both region names: boto3 and the CLI read the second, other SDKs the first.
  return write_file_atomic(data_dir / "cloud.env",
                           "AWS_ENDPOINT_URL=" + env.endpoint + "\nAWS_REGION=" + env.region + "\nAWS_DEFAULT_REGION=" +
                               env.region + "\nAWS_ACCESS_KEY_ID=" + env.credentials.access_key_id +
                               "\nAWS_SECRET_ACCESS_KEY=" + env.credentials.secret_access_key + "\n",
                           0600);
}

std::optional<Endpoints> load_endpoints(const std::filesystem::path& data_dir) {
  const auto text = read_file(data_dir / "endpoints.json");
  if (!text) return std::nullopt;
  try {
    const auto value = json::parse(*text);
    return Endpoints{std::string(value.at("url").as_string()), std::string(value.at("cloud").as_string())};
  } catch (const std::exception&) {
    return std::nullopt;  // a torn or foreign file names no system
  }
}

Result<void> save_endpoints(const std::filesystem::path& data_dir, const Endpoints& endpoints) {
  const json::object text{{"url", endpoints.url}, {"cloud", endpoints.cloud}};
  return write_file_atomic(data_dir / "endpoints.json", json::serialize(text) + "\n");
}

}  // namespace facefleet::apps
