// Where a copy takes its bytes from.
#pragma once

#include "localcloud/s3/call.h"

namespace facefleet::localcloud::s3 {

struct CopySource {
  std::string bucket;
  std::string key;
};

// Of x-amz-copy-source: `/bucket/key`, percent-encoded, the first slash optional, perhaps with ?versionId=null.
Result<CopySource> read_copy_source(const Call& call);

// Opens the source, or a range of it, once the conditions that the call states of it hold.
Task<Result<store::Opened>> open_copy_source(Call& call, std::optional<store::Range> range);

// Copies all of it into a draft.
Task<Result<std::unique_ptr<store::Draft>>> copy_to_draft(Call& call, store::Body& body);

}  // namespace facefleet::localcloud::s3
