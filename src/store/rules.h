// What every backend that keeps objects itself decides in the same way: names, ranges, conditions,
// listings. Pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/object_store.h"

namespace facefleet::store {

Result<void> check_bucket_name(std::string_view name);
Result<void> check_key(std::string_view key);

Error no_such_bucket(std::string_view bucket);
Error no_such_key();

// Whether `options` allow a put over what is there: its etag, or null where nothing is.
Result<void> check_conditions(const Put& options, const std::string* existing_etag);

// The part of `body` that `range` asks for, in place. kInvalidInput, reason `invalid_range`.
Result<void> cut(Bytes& body, const std::optional<Range>& range);

// Gives the objects of a bucket from the key `from` on, in order, to `visit`, until that returns false.
using Visit = std::function<bool(ObjectInfo info)>;
using Scan = std::function<Result<void>(const std::string& from, const Visit& visit)>;

// Answers `query` from `scan`, which is called once more per rolled-up prefix, to step over it.
Result<Listing> list_objects(const List& query, const Scan& scan);

}  // namespace facefleet::store
