#include "localcloud/sqs/tags.h"

#include <algorithm>

#include "base/limits.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {
namespace {

constexpr std::string_view kPrefix = "tag:";  // among what a queue keeps
constexpr std::size_t kKeyBytes = 128 * 4;    // SQS counts characters
constexpr std::size_t kValueBytes = 256 * 4;

std::string kept_name(std::string_view key) { return std::string(kPrefix).append(key); }

}  // namespace

Result<void> apply_tags(const Call& call, queue::Attributes& attributes) {
  // CreateQueue calls them `tags`, TagQueue `Tags`.
  const char* const json_name = call.parameters.find("tags") != nullptr ? "tags" : "Tags";
  for (auto& [key, value] : call.parameters.map(json_name, "Tag", "Key")) {
    if (key.empty() || key.size() > kKeyBytes || value.size() > kValueBytes || !aws::is_xml_text(key) ||
        !aws::is_xml_text(value))
      return invalid_request("A tag's key is 1 to 128 characters, its value at most 256.");
    attributes.kept[kept_name(key)] = std::move(value);
  }
  if (tags_of(attributes).size() > limits::kQueueTags)
    return invalid_request("Too many tags added for queue. Maximum number of tags allowed is 50.");
  return {};
}

void remove_tag(queue::Attributes& attributes, std::string_view key) { attributes.kept.erase(kept_name(key)); }

std::vector<std::pair<std::string, std::string>> tags_of(const queue::Attributes& attributes) {
  std::vector<std::pair<std::string, std::string>> tags;
  for (auto at = attributes.kept.lower_bound(std::string(kPrefix));
       at != attributes.kept.end() && at->first.starts_with(kPrefix); ++at)
    tags.emplace_back(at->first.substr(kPrefix.size()), at->second);
  return tags;
}

}  // namespace facefleet::localcloud::sqs
