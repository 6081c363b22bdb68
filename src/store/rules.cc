#include "store/rules.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/limits.h"

namespace facefleet::store {
namespace {

constexpr std::size_t kBucketNameBytesMin = 3;
constexpr std::size_t kBucketNameBytesMax = 63;

// The first key, bytewise, after all that begin with `prefix`; empty if there is none.
std::string successor(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace

Result<void> check_bucket_name(std::string_view name) {
  constexpr auto kAllowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  if (name.size() < kBucketNameBytesMin || name.size() > kBucketNameBytesMax || !std::ranges::all_of(name, kAllowed))
    return Error{Code::kInvalidInput, "a bucket's name is 3 to 63 lower-case letters, digits, dots and hyphens", ""};
  return {};
}

Result<void> check_key(std::string_view key) {
  if (key.empty() || key.size() > limits::kObjectKeyBytes)
    return Error{Code::kInvalidInput, "an object's key is 1 to 1,024 bytes long", ""};
  return {};
}

Error no_such_bucket(std::string_view bucket) {
  return {Code::kNotFound, "there is no bucket named " + std::string(bucket), "no_such_bucket"};
}

Error no_such_key() { return {Code::kNotFound, "there is no object of that key", "no_such_key"}; }

Result<void> check_conditions(const Put& options, const std::string* existing_etag) {
  if (options.if_absent && existing_etag != nullptr)
    return Error{Code::kConflict, "there is an object of that key already", "precondition_failed"};
  if (options.if_etag && (existing_etag == nullptr || *existing_etag != *options.if_etag))
    return Error{Code::kConflict, "the object is not the one that was read; read it again", "precondition_failed"};
  return {};
}

Result<Span> span_of(const std::optional<Range>& range, std::uint64_t size) {
  if (!range) return Span{0, size};
  if (range->first >= size || range->last < range->first) {
    return Error{Code::kInvalidInput, "the range begins past the object's end of " + std::to_string(size),
                 "invalid_range"};
  }
  return Span{range->first, std::min(range->last, size - 1) - range->first + 1};
}

Result<void> cut(Bytes& body, const std::optional<Range>& range) {
  const auto span = span_of(range, body.size());
  if (!span) return span.error();
  body.resize(span->first + span->size);
  body.erase(0, span->first);
  return {};
}

Error no_such_upload() {
  return {Code::kNotFound, "there is no such upload; it may have been completed or aborted", "no_such_upload"};
}

Result<std::vector<Part>> choose_parts(const std::vector<Part>& put, const std::vector<PartName>& names) {
  std::vector<Part> chosen;
  for (const PartName& name : names) {
    if (!chosen.empty() && name.number <= chosen.back().number)
      return Error{Code::kInvalidInput, "the parts are not in ascending order", "invalid_part_order"};
    const auto found = std::ranges::find(put, name.number, &Part::number);
    if (found == put.end() || found->etag != name.etag)
      return Error{Code::kInvalidInput, "part " + std::to_string(name.number) + " was not put, or not with that etag",
                   "invalid_part"};
    if (!chosen.empty() && chosen.back().size < limits::kUploadPartBytesMin)
      return Error{Code::kInvalidInput, "part " + std::to_string(chosen.back().number) + " is too small",
                   "part_too_small"};
    chosen.push_back(*found);
  }
  if (chosen.empty()) return Error{Code::kInvalidInput, "an object has at least one part", "invalid_part"};
  return chosen;
}

std::string etag_of(const std::vector<Part>& parts) {
  Bytes digests;
  for (const Part& part : parts)
    for (std::size_t i = 0; i + 1 < part.etag.size(); i += 2)
      digests += static_cast<char>(std::stoi(part.etag.substr(i, 2), nullptr, 16));
  return hex(md5(digests)) + "-" + std::to_string(parts.size());
}

Result<Listing> list_objects(const List& query, const Scan& scan) {
  Listing listing;
  const std::size_t max = std::min<std::size_t>(query.max, limits::kObjectListKeys);
  if (max == 0) return listing;
  std::string last;     // the key or prefix listed last
  std::string skip_to;  // where to go on after a rolled-up prefix

  // Whether there is room for one more; if not, the listing ends here, truncated.
  const auto has_room = [&] {
    if (listing.objects.size() + listing.prefixes.size() < max) return true;
    listing.truncated = true;
    listing.next_start_after = last;
    return false;
  };
  const Visit visit = [&](ObjectInfo info) {
    if (!info.key.starts_with(query.prefix)) return false;
    const std::size_t at =
        query.delimiter.empty() ? std::string::npos : info.key.find(query.delimiter, query.prefix.size());
    if (at == std::string::npos) {
      if (!has_room()) return false;
      last = info.key;
      info.metadata.clear();
      listing.objects.push_back(std::move(info));
      return true;
    }
    std::string group = info.key.substr(0, at + query.delimiter.size());
    // A page that ended with this prefix is continued after it: the prefix was listed there.
    if (group != query.start_after) {
      if (!has_room()) return false;
      last = group;
      listing.prefixes.push_back(group);
    }
    skip_to = successor(std::move(group));
    return false;
  };

  std::string from = query.prefix;
  // The next key bytewise after K is K with a zero byte.
  if (!query.start_after.empty()) from = std::max(from, query.start_after + '\0');
  do {
    skip_to.clear();
    if (auto scanned = scan(from, visit); !scanned) return scanned.error();
    from = skip_to;
  } while (!skip_to.empty());
  return listing;
}

}  // namespace facefleet::store
