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
    Action{"GET", Level::kBucket, "uploads", &list_multipart_uploads},
    Action{"GET", Level::kBucket, "versions", &list_object_versions},
    Action{"POST", Level::kBucket, "delete", &delete_objects},
    Action{"PUT", Level::kObject, "", &put_object},
    Action{"PUT", Level::kObject, "", &copy_object, true},
    Action{"POST", Level::kObject, "uploads", &create_multipart_upload},
    Action{"PUT", Level::kObject, "uploadId", &upload_part},
    Action{"PUT", Level::kObject, "uploadId", &upload_part_copy, true},
    Action{"POST", Level::kObject, "uploadId", &complete_multipart_upload},
    Action{"DELETE", Level::kObject, "uploadId", &abort_multipart_upload},
    Action{"GET", Level::kObject, "uploadId", &list_parts},
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
  if (call.parameter("uploadId")) return "uploadId";  // partNumber then says which part of it
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
    return action.method == call.http.method && action.level == level && action.subresource == subresource &&
           action.copies == copies;
  });
  if (found != kActions.end()) return &*found;
  if (!subresource.empty() || copies)
    return s3_error(Code::kInvalidInput, "NotImplemented",
                    "A header or query you provided implies functionality that is not implemented: " +
                        (subresource.empty() ? "x-amz-copy-source" : std::string(subresource)));
  return s3_error(Code::kInvalidInput, "MethodNotAllowed",
                  "The specified method is not allowed against this resource.");
}

}  // namespace facefleet::localcloud::s3
