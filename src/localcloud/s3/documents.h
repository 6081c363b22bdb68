// The XML documents that S3's clients send. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace facefleet::localcloud::s3 {

// <Delete>: which objects go, and whether the answer leaves out those that went.
struct DeleteRequest {
  std::vector<std::string> keys;  // 1 to 1,000
  bool quiet = false;
};
// MalformedXML if it is none.
Result<DeleteRequest> read_delete(std::string_view document);

// <CompleteMultipartUpload>: number and etag, without quotes, of each part; 1 to 10,000 of them. MalformedXML.
Result<std::vector<std::pair<std::uint32_t, std::string>>> read_complete(std::string_view document);

// MalformedXML.
Error malformed_xml();

}  // namespace facefleet::localcloud::s3
