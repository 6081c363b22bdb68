// An ObjectStore keeps named bytes in buckets. A put is atomic: readers see the old object or the
// new one, whole. What a put acknowledged survives a crash (memory: until the process ends).
//
// Every backend passes store_contract.h; a promise made here is tested there.
// Thread rule: base/task.h (the I/O thread). Backends: backends/{memory,durable,s3}.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"

namespace facefleet::store {

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;  // MD5 of the body, 32 hex digits, without S3's quotes
  std::int64_t modified_ms = 0;
  std::string content_type;
  std::map<std::string, std::string> metadata;  // S3's x-amz-meta-*, keys lower case; absent from listings
};

struct Object {
  ObjectInfo info;
  Bytes body;
};

struct Put {
  std::string content_type = "application/octet-stream";
  std::map<std::string, std::string> metadata = {};
  bool if_absent = false;                   // kConflict if the key exists
  std::optional<std::string> if_etag = {};  // kConflict unless the object is there with this etag
};

struct Range {
  std::uint64_t first = 0;
  std::uint64_t last = UINT64_MAX;  // inclusive; clipped to the object's end
};

struct List {
  std::string prefix = {};
  std::string delimiter = {};    // keys that hold it after the prefix are rolled up into `prefixes`
  std::string start_after = {};  // exclusive
  std::uint32_t max = 1'000;
};

struct Listing {
  std::vector<ObjectInfo> objects;  // by key, bytewise
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string next_start_after;  // where truncated
};

struct Bucket {
  std::string name;
  std::int64_t created_ms = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Idempotent. kInvalidInput: not 3 to 63 of [a-z0-9.-].
  virtual Task<Result<void>> create_bucket(std::string bucket) = 0;
  // kConflict if it holds objects.
  virtual Task<Result<void>> remove_bucket(std::string bucket) = 0;
  virtual Task<Result<std::vector<Bucket>>> list_buckets() = 0;
  virtual Task<Result<bool>> has_bucket(std::string bucket) = 0;

  // Keys: 1 to 1,024 bytes of anything. kNotFound: no such bucket.
  virtual Task<Result<ObjectInfo>> put(std::string bucket, std::string key, Bytes body, Put options) = 0;
  // kNotFound with reason `no_such_key` or `no_such_bucket`. kInvalidInput with reason `invalid_range` if
  // the range begins past the end. kCorrupt if the stored bytes fail their checksum.
  virtual Task<Result<Object>> get(std::string bucket, std::string key, std::optional<Range> range) = 0;
  virtual Task<Result<ObjectInfo>> head(std::string bucket, std::string key) = 0;
  // Deletes those of `keys` (any number) that are there; the bytes are gone from disk once it returns,
  // as far as the file system allows.
  virtual Task<Result<void>> remove(std::string bucket, std::vector<std::string> keys) = 0;
  virtual Task<Result<Listing>> list(std::string bucket, List query) = 0;
};

}  // namespace facefleet::store
