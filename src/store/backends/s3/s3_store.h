// Objects in Amazon S3, or anything that speaks its REST form, path style.
//
// What differs from the memory and durable backends, because S3 does:
// * Amazon's own S3 takes keys that are UTF-8 only; metadata values must be fit for an HTTP header.
// * modified_ms is in whole seconds, except in listings.
// * A conditional put whose answer is lost is tried once more, and its own bytes, where it finds them there, are a
//   success. kConflict means that something else lies there now: it may have replaced what this put had made.
#pragma once

#include <memory>

#include "aws/client.h"
#include "store/object_store.h"

namespace facefleet::store {

// `client` must be a client of service "s3" and outlive the store and whatever it was asked.
std::unique_ptr<ObjectStore> open_s3_store(aws::Client& client);

}  // namespace facefleet::store
