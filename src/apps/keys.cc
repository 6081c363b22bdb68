#include "apps/keys.h"

#include <boost/json.hpp>

#include "base/file.h"

namespace facefleet::apps {

namespace json = boost::json;

Result<std::vector<gateway::ApiKey>> load_keys(const std::filesystem::path& data_dir) {
  std::vector<gateway::ApiKey> keys;
  const auto file = data_dir / "keys.json";
  auto text = read_file(file);
  if (!text && text.error().code == Code::kNotFound) return keys;
  if (!text) return text.error();
  try {
    const json::value list = json::parse(*text);
    for (const auto& item : list.as_array()) {
      gateway::ApiKey key;
      key.name = item.at("name").as_string();
      key.sha256_hex = item.at("sha256").as_string();
      for (const auto& scope : item.at("scopes").as_array()) key.scopes.emplace_back(scope.as_string());
      keys.push_back(std::move(key));
    }
  } catch (const std::exception& error) {
    return Error{Code::kCorrupt, file.string() + " cannot be read: " + error.what(), "bad_keys"};
  }
  return keys;
}

Result<void> save_keys(const std::filesystem::path& data_dir, const std::vector<gateway::ApiKey>& keys) {
  json::array list;
  for (const auto& key : keys) {
    json::array scopes;
    for (const auto& scope : key.scopes) scopes.emplace_back(scope);
    list.push_back({{"name", key.name}, {"sha256", key.sha256_hex}, {"scopes", std::move(scopes)}});
  }
  return write_file_atomic(data_dir / "keys.json", json::serialize(list) + "\n", 0600);
}

}  // namespace facefleet::apps
