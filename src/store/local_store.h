// What a store that keeps its objects itself can do beyond ObjectStore: bodies in pieces, so that one of any size
// passes through little memory, and S3's uploads in parts. The S3 door is made of it.
//
// Every backend passes local_store_contract.h. Thread rule: base/task.h. Backends: backends/{memory,durable}.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/object_store.h"

namespace facefleet::store {

// Bytes that are not an object yet. Destroyed before they became one, they leave nothing behind. Must not outlive its
// store.
class Draft {
 public:
  virtual ~Draft() = default;
  virtual Task<Result<void>> append(BytesView piece) = 0;
  virtual std::uint64_t size() const = 0;
};

// An object's bytes, as they are read. A put or remove meanwhile changes nothing for who reads already.
class Body {
 public:
  virtual ~Body() = default;
  // The next bytes, which stay until the next call; none at the end. kCorrupt if they fail their checksum.
  virtual Task<Result<BytesView>> next() = 0;
};

struct Opened {
  ObjectInfo info;
  std::uint64_t first = 0;  // where in the object the body begins
  std::uint64_t size = 0;   // of the body
  std::unique_ptr<Body> body;
};

// A part of an upload, as it was put.
struct Part {
  std::uint32_t number = 0;  // 1 to 10,000
  std::string etag;
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
};

// An upload that is neither completed nor aborted.
struct OpenUpload {
  std::string id;
  std::string key;
  std::int64_t created_ms = 0;
};

struct PartName {
  std::uint32_t number = 0;
  std::string etag;
};

// Which upload; kNotFound with reason `no_such_upload` where there is none of that bucket, key and id.
struct UploadName {
  std::string bucket;
  std::string key;
  std::string id;
};

class LocalStore : public ObjectStore {
 public:
  virtual std::unique_ptr<Draft> draft() = 0;
  // As put, of what the draft holds; the draft is used up.
  virtual Task<Result<ObjectInfo>> put_draft(std::string bucket, std::string key, Draft& draft, Put options) = 0;
  // As get. What can be known before the first byte is given out (no such key, range, damage to the first piece) is
  // told at once.
  virtual Task<Result<Opened>> open(std::string bucket, std::string key, std::optional<Range> range) = 0;

  // Begins an upload in parts of an object that `options` describe, and returns its id.
  virtual Task<Result<std::string>> begin_upload(std::string bucket, std::string key, Put options) = 0;
  // Replaces an earlier part of that number. The draft is used up.
  virtual Task<Result<Part>> put_part(UploadName upload, std::uint32_t number, Draft& draft) = 0;
  // Makes the object of these parts, in ascending order of number; drops all others. Its etag is the MD5 of the parts'
  // own, "-" and their number. kInvalidInput with reason `invalid_part` (none of that number and etag),
  // `invalid_part_order`, `part_too_small` (all but the last have at least kUploadPartBytesMin). `conditions`: of put.
  virtual Task<Result<ObjectInfo>> complete_upload(UploadName upload, std::vector<PartName> parts, Put conditions) = 0;
  virtual Task<Result<void>> abort_upload(UploadName upload) = 0;
  virtual Task<Result<std::vector<Part>>> list_parts(UploadName upload) = 0;           // by number
  virtual Task<Result<std::vector<OpenUpload>>> list_uploads(std::string bucket) = 0;  // by key, then age
};

}  // namespace facefleet::store
