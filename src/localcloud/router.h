// Which door a request is for, and in which form it wants its answer. Pure functions.
#pragma once

#include <string>

#include "aws/wire.h"
#include "net/http.h"

namespace facefleet::localcloud {

enum class Door { kSqs, kS3, kEc2, kSts, kDynamoDb, kNone };

struct Route {
  Door door = Door::kS3;
  aws::Protocol protocol = aws::Protocol::kS3;
  std::string service;  // as the caller named it: "sqs", "s3", "ec2", "sts", …
};

// By X-Amz-Target; else, for the services that speak CBOR, by the path; else by the service that the signature's scope
// names; else by Action and Version; else S3. The body is looked at only for the last but one, so the header alone will
// do for every signed request.
Route route(const net::HttpRequest& request);

}  // namespace facefleet::localcloud
