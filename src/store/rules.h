// What every backend decides in the same way: names; and, where it keeps objects itself, ranges, conditions, listings.
// Pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/local_store.h"

namespace facefleet::store {

Result<void> check_bucket_name(std::string_view name);
Result<void> check_key(std::string_view key);

Error no_such_bucket(std::string_view bucket);
Error no_such_key();

// Whether `options` allow a put over what is there: its etag, or null where nothing is.
Result<void> check_conditions(const Put& options, const std::string* existing_etag);

// The part of `body` that `range` asks for, in place. kInvalidInput, reason `invalid_range`.
Result<void> cut(Bytes& body, const std::optional<Range>& range);

// The first byte and the number of bytes that `range` asks for of `size`. kInvalidInput as above.
struct Span {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
};
Result<Span> span_of(const std::optional<Range>& range, std::uint64_t size);

Error no_such_upload();

// The parts that `names` ask for, out of all that were put (by number); errors as LocalStore::complete_upload.
Result<std::vector<Part>> choose_parts(const std::vector<Part>& put, const std::vector<PartName>& names);
// The etag of an object made of these parts.
std::string etag_of(const std::vector<Part>& parts);

// Gives the objects of a bucket from the key `from` on, in order, to `visit`, until that returns false.
using Visit = std::function<bool(ObjectInfo info)>;
using Scan = std::function<Result<void>(const std::string& from, const Visit& visit)>;

// Answers `query` from `scan`, which is called once more per rolled-up prefix, to step over it.
Result<Listing> list_objects(const List& query, const Scan& scan);

}  // namespace facefleet::store
