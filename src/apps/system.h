// The files of a data folder by which a system's processes, and people, find each other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "aws/sigv4.h"
#include "base/ids.h"
#include "base/result.h"

namespace facefleet::apps {

// DIR/cloud.env (0600): NAME=value lines, as a shell and the AWS SDKs take them.
struct CloudEnv {
  std::string endpoint;
  std::string region;
  aws::Credentials credentials;
};

// Credentials of this process's own environment where they are set there, else those of an earlier start, else new
// ones.
aws::Credentials choose_credentials(const std::filesystem::path& data_dir, Random& random);

std::optional<CloudEnv> load_cloud_env(const std::filesystem::path& data_dir);
Result<void> save_cloud_env(const std::filesystem::path& data_dir, const CloudEnv& env);

// DIR/endpoints.json: {"url": page and API, "cloud": the AWS doors}; there once the system accepts photos.
struct Endpoints {
  std::string url;
  std::string cloud;
};
std::optional<Endpoints> load_endpoints(const std::filesystem::path& data_dir);
Result<void> save_endpoints(const std::filesystem::path& data_dir, const Endpoints& endpoints);

}  // namespace facefleet::apps
