// The files that `aws configure` writes: ~/.aws/config and ~/.aws/credentials.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "aws/environment.h"
#include "base/result.h"

namespace facefleet::aws {

// Settings by name. One below another, as `endpoint_url` below `sqs =`, is called "sqs.endpoint_url".
using Settings = std::map<std::string, std::string, std::less<>>;

// A file's settings by the names of its sections, as they stand there: "default", "profile work", "services local".
// kInvalidInput with the line that is no section, setting or comment.
Result<std::map<std::string, Settings>> parse_profile_file(std::string_view text);

struct AwsProfile {
  std::string name;  // AWS_PROFILE, else "default"
  Settings settings;
  std::filesystem::path config_file, credentials_file;

  // Empty where there is no such setting.
  std::string get(std::string_view setting) const;
};

// The profile as both files have it; of a setting in both, the credentials file's counts. The settings of its
// `services` section are called "services.sqs.endpoint_url". Without files, a profile without settings.
// kInvalidInput: AWS_PROFILE names one that is in neither file, or a file cannot be read.
Result<AwsProfile> load_profile(const Environment& environment);

}  // namespace facefleet::aws
