#include "localcloud/s3/actions.h"

#include <algorithm>
#include <array>

namespace facefleet::localcloud::s3 {
namespace {

constexpr std::array kActions{
    Action{"GET", Level::kService, "", &list_buckets},
    Action{"PUT", Level::kBucket, "", &create_bucket},
    Action{"HEAD", Level::kBucket, "", &head_bucket},
    Action{"DELETE", Level::kBucket, "", &delete_bucket},
    Action{"GET", Level::kBucket, "", &list_objects},
    Action{"GET", Level::kBucket, "location", &get_bucket_location},
    Action{"POST", Level::kBucket, "delete", &delete_objects},
    Action{"PUT", Level::kObject, "", &put_object},
    Action{"GET", Level::kObject, "", &get_object},
    Action{"HEAD", Level::kObject, "", &head_object},
    Action{"DELETE", Level::kObject, "", &delete_object},
};

// The query parameters by which S3 tells its actions apart (Amazon S3 API reference). Any other only modifies one.
constexpr std::array<std::string_view, 35> kSubresources{
    "accelerate",   "acl",
    "analytics",    "attributes",
    "cors",         "delete",
    "encryption",   "intelligent-tiering",
    "inventory",    "legal-hold",
    "lifecycle",    "location",
    "logging",      "metadataTable",
    "metrics",      "notification",
    "object-lock",  "ownershipControls",
    "partNumber",   "policy",
    "policyStatus", "publicAccessBlock",
    "replication",  "requestPayment",
    "restore",      "retention",
    "select",       "session",
    "tagging",      "torrent",
    "uploadId",     "uploads",
    "versioning",   "versions",
    "website",
};

std::string_view subresource_of(const Call& call) {
  for (const auto& [name, value] : call.query)
    if (std::ranges::find(kSubresources, name) != kSubresources.end()) return name;
  return {};
}

}  // namespace

Result<const Action*> find_action(const Call& call) {
  const Level level = call.bucket.empty() ? Level::kService : call.key.empty() ? Level::kBucket : Level::kObject;
  const std::string_view subresource = subresource_of(call);
  const bool copies = call.http.headers.get("x-amz-copy-source").has_value();
  const auto found = std::ranges::find_if(kActions, [&](const Action& action) {
    return action.method == call.http.method && action.level == level && action.subresource == subresource;
  });
  if (found != kActions.end() && !copies) return &*found;
  if (!subresource.empty() || copies)
    return s3_error(Code::kInvalidInput, "NotImplemented",
                    "A header or query you provided implies functionality that is not implemented: " +
                        (copies ? "x-amz-copy-source" : std::string(subresource)));
  return s3_error(Code::kInvalidInput, "MethodNotAllowed",
                  "The specified method is not allowed against this resource.");
}

}  // namespace facefleet::localcloud::s3
