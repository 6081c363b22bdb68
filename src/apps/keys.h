// The API keys of one system, in DIR/keys.json (0600): names, SHA-256 digests and scopes, never a key.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "gateway/gateway.h"

namespace facefleet::apps {

// No file: no keys.
Result<std::vector<gateway::ApiKey>> load_keys(const std::filesystem::path& data_dir);
Result<void> save_keys(const std::filesystem::path& data_dir, const std::vector<gateway::ApiKey>& keys);

}  // namespace facefleet::apps
