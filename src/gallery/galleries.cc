#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/hash.h"
#include "base/ids.h"
#include "base/limits.h"
#include "gallery/cache.h"
#include "gallery/gallery.h"
#include "gallery/manifest.h"
#include "gallery/names.h"
#include "gallery/segment.h"
#include "gallery/snapshot.h"
#include "gallery/turn.h"

namespace facefleet::gallery {
namespace {

using SegmentPointer = std::shared_ptr<const Segment>;

// What a process knows of one gallery.
struct Known {
  Turn reading, writing, looking;
  std::string etag;  // of the manifest; empty: there is none
  Manifest manifest;
  std::vector<SegmentPointer> segments;  // the manifest's, in its order
  std::shared_ptr<const Snapshot> snapshot;
  MonoTime checked{};
  // The newest version that was seen, whether its segments are open or not.
  std::optional<std::int64_t> newest;
  MonoTime newest_seen{};
};

// A change under way: the version that it makes, and the segments that it has put for it.
struct Commit {
  Manifest next;
  std::vector<std::string> put;  // names
  MonoTime began{};
};

std::size_t size_in_segment(const Template& row) {
  return row.chip_png.size() + row.embedding.size() * (sizeof(float) + 1) + row.person.size() + row.source.size() + 64;
}

// Batches that make segments of about the full size.
std::vector<std::vector<Template>> split(std::vector<Template> templates) {
  std::vector<std::vector<Template>> parts;
  std::size_t bytes = limits::kGallerySegmentBytes;
  for (Template& row : templates) {
    const std::size_t row_bytes = size_in_segment(row);
    if (bytes + row_bytes > limits::kGallerySegmentBytes) {
      parts.emplace_back();
      bytes = 0;
    }
    bytes += row_bytes;
    parts.back().push_back(std::move(row));
  }
  return parts;
}

// Those of `templates` that no segment has yet, each once.
std::vector<Template> absent(std::vector<Template> templates, const std::vector<SegmentPointer>& segments) {
  std::set<std::pair<std::string, std::string>> seen;
  std::erase_if(templates, [&](const Template& row) {
    return !seen.emplace(row.person, row.photo_sha256).second || holds(segments, row.person, unhex(row.photo_sha256));
  });
  return templates;
}

bool is_missing(const Error& error) { return error.code == Code::kNotFound; }

template <class Work>
Task<std::invoke_result_t<Work>> call(Work work) {
  co_return work();
}

class StoredGalleries final : public Galleries {
 public:
  StoredGalleries(store::ObjectStore& store, std::string bucket, const std::filesystem::path& cache_dir,
                  const Clock& clock)
      : store_(store), bucket_(std::move(bucket)), cache_(cache_dir / bucket_), clock_(clock) {}

  ~StoredGalleries() override { disk_.join(); }

  Task<Result<std::shared_ptr<const Snapshot>>> snapshot(std::string gallery, Millis max_age,
                                                         std::int64_t version_min) override {
    if (auto name = check_gallery_name(gallery); !name) co_return name.error();
    const std::shared_ptr<Known> known = known_gallery(gallery);
    const bool is_young = known->snapshot && clock_.now() - known->checked < max_age;
    if (is_young && known->snapshot->version() >= version_min) co_return known->snapshot;
    const MonoTime asked = clock_.now();
    const Turn::Pass pass = co_await known->reading.take();
    // Whoever had the turn before may have looked since we asked.
    if (known->snapshot && known->checked > asked) co_return known->snapshot;
    auto loaded = co_await load(gallery, *known);
    if (!loaded) co_return loaded.error();
    co_return known->snapshot;
  }

  Task<Result<std::int64_t>> version(std::string gallery, Millis max_age) override {
    if (auto name = check_gallery_name(gallery); !name) co_return name.error();
    const std::shared_ptr<Known> known = known_gallery(gallery);
    if (known->newest && clock_.now() - known->newest_seen < max_age) co_return *known->newest;
    const MonoTime asked = clock_.now();
    const Turn::Pass pass = co_await known->looking.take();
    if (known->newest && known->newest_seen > asked) co_return *known->newest;
    const MonoTime looked = clock_.now();
    auto manifest = co_await get_manifest(gallery);
    if (!manifest && !is_missing(manifest.error())) co_return manifest.error();
    // A change of ours that ended while we looked is newer than what we saw.
    if (!known->newest || known->newest_seen <= looked) note(*known, manifest ? manifest->first.version : 0, looked);
    co_return *known->newest;
  }

  Task<Result<Changes>> add(std::string gallery, std::string model, std::vector<Template> templates) override {
    if (auto valid = check_addition(gallery, model, templates); !valid) co_return valid.error();
    const std::shared_ptr<Known> known = known_gallery(gallery);
    const Turn::Pass pass = co_await known->writing.take();
    for (std::size_t attempt = 0; attempt < limits::kGalleryCommitTries; ++attempt) {
      auto fresh = co_await refresh(gallery, *known, attempt);
      if (!fresh) co_return fresh.error();
      if (!known->segments.empty() && known->manifest.model != model) co_return model_mismatch(gallery, *known, model);
      std::vector<Template> missing = absent(templates, known->segments);
      Changes changes{.added = static_cast<std::uint32_t>(missing.size()),
                      .present = static_cast<std::uint32_t>(templates.size() - missing.size()),
                      .version = known->manifest.version};
      if (missing.empty()) co_return changes;

      Commit commit = co_await begin(gallery, *known);
      changes.version = commit.next.version;
      commit.next.model = model;
      commit.next.dimensions = static_cast<std::uint32_t>(missing.front().embedding.size());
      auto put = co_await put_segments(gallery, commit, std::move(missing));
      if (put) put = co_await merge_segments(gallery, commit);
      auto committed = co_await finish(gallery, *known, commit, std::move(put));
      if (!committed) co_return committed.error();
      if (!*committed) continue;
      co_return changes;
    }
    co_return too_many_writers(gallery);
  }

  Task<Result<std::vector<Template>>> templates(std::string gallery, std::string person) override {
    if (auto name = check_gallery_name(gallery); !name) co_return name.error();
    const std::shared_ptr<Known> known = known_gallery(gallery);
    for (std::size_t attempt = 0; attempt < limits::kGallerySnapshotTries; ++attempt) {
      auto fresh = co_await refresh(gallery, *known, 0);
      if (!fresh) co_return fresh.error();
      auto found = co_await fetch_person(gallery, person, known->manifest.segments, known->segments);
      if (!found && is_missing(found.error())) continue;  // deleted by a newer version since
      if (found && found->empty()) co_return no_such_person(gallery, person);
      co_return found;
    }
    co_return too_many_writers(gallery);
  }

  Task<Result<Changes>> remove_person(std::string gallery, std::string person) override {
    if (auto name = check_gallery_name(gallery); !name) co_return name.error();
    const std::shared_ptr<Known> known = known_gallery(gallery);
    const Turn::Pass pass = co_await known->writing.take();
    for (std::size_t attempt = 0; attempt < limits::kGalleryCommitTries; ++attempt) {
      auto fresh = co_await refresh(gallery, *known, attempt);
      if (!fresh) co_return fresh.error();
      if (!holds_person(*known, person)) {
        // A removal that was cut short after its commit is finished by whoever asks again.
        auto gone = co_await delete_retired(gallery, known->manifest, INT64_MAX);
        if (!gone) co_return gone.error();
        co_return no_such_person(gallery, person);
      }
      Commit commit = co_await begin(gallery, *known);
      Changes changes;
      changes.version = commit.next.version;
      auto put = co_await rewrite_without(gallery, commit, known->segments, person);
      if (put) changes.removed = *put;
      auto committed = co_await finish(gallery, *known, commit, as_done(put));
      if (!committed) co_return committed.error();
      if (!*committed) continue;
      auto gone = co_await delete_everything_else(gallery, commit.next);
      if (!gone) co_return gone.error();
      co_return changes;
    }
    co_return too_many_writers(gallery);
  }

  Task<Result<void>> remove_gallery(std::string gallery) override {
    if (auto name = check_gallery_name(gallery); !name) co_return name.error();
    const std::shared_ptr<Known> known = known_gallery(gallery);
    const Turn::Pass pass = co_await known->writing.take();
    for (std::size_t attempt = 0; attempt < limits::kGalleryCommitTries; ++attempt) {
      auto fresh = co_await refresh(gallery, *known, attempt);
      if (!fresh) co_return fresh.error();
      if (!known->manifest.exists()) {
        auto gone = co_await delete_retired(gallery, known->manifest, INT64_MAX);
        if (!gone) co_return gone.error();
        co_return Error{Code::kNotFound, "there is no gallery \"" + gallery + "\"", "no_such_gallery"};
      }
      Commit commit = co_await begin(gallery, *known);
      for (const SegmentEntry& entry : commit.next.segments) commit.next.retired.push_back({entry.sha256, 0});
      commit.next.segments.clear();
      commit.next.model.clear();
      commit.next.dimensions = 0;
      auto committed = co_await finish(gallery, *known, commit, {});
      if (!committed) co_return committed.error();
      if (!*committed) continue;
      co_return co_await delete_everything_else(gallery, commit.next);
    }
    co_return too_many_writers(gallery);
  }

  Task<Result<std::vector<std::string>>> list() override {
    std::vector<std::string> galleries;
    store::List query;
    query.delimiter = "/";
    for (;;) {
      store::List page_query = query;
      auto page = co_await store_.list(bucket_, std::move(page_query));
      if (!page && is_missing(page.error())) co_return galleries;  // no bucket yet
      if (!page) co_return page.error();
      for (const std::string& prefix : page->prefixes) {
        std::string gallery = prefix.substr(0, prefix.size() - 1);
        if (!check_gallery_name(gallery)) continue;
        auto manifest = co_await get_manifest(gallery);
        if (!manifest && !is_missing(manifest.error())) co_return manifest.error();
        if (manifest && manifest->first.exists()) galleries.push_back(std::move(gallery));
      }
      if (!page->truncated) co_return galleries;
      query.start_after = page->next_start_after;
    }
  }

 private:
  // ---- reading

  std::shared_ptr<Known> known_gallery(const std::string& gallery) {
    const auto found = known_.find(gallery);
    if (found != known_.end()) return found->second;
    // Names come from strangers: what nobody uses now makes room.
    if (known_.size() >= limits::kGalleriesOpen)
      std::erase_if(known_, [](const auto& entry) { return entry.second.use_count() == 1; });
    return known_.emplace(gallery, std::make_shared<Known>()).first->second;
  }

  // Runs blocking work on the disk thread.
  template <class Work>
  Task<std::invoke_result_t<Work>> on_disk_thread(Work work) {
    auto task = call(std::move(work));
    co_return co_await asio::co_spawn(disk_, std::move(task), asio::use_awaitable);
  }

  Task<Result<std::pair<Manifest, std::string>>> get_manifest(std::string gallery) {
    std::string key = manifest_key(gallery);
    auto object = co_await store_.get(bucket_, std::move(key), std::nullopt);
    if (!object) co_return object.error();
    auto manifest = decode_manifest(object->body);
    if (!manifest) co_return manifest.error();
    co_return std::make_pair(std::move(*manifest), std::move(object->info.etag));
  }

  // Before each try of a change: waits a little if another writer won the last one, then looks again.
  Task<Result<void>> refresh(std::string gallery, Known& known, std::size_t attempt) {
    if (attempt > 0) co_await sleep_for(Millis(random_.next() % (10 * attempt)));
    const Turn::Pass pass = co_await known.reading.take();
    co_return co_await load(gallery, known);
  }

  // Brings `known` up to the store's newest version. Its `reading` turn is the caller's.
  Task<Result<void>> load(std::string gallery, Known& known) {
    for (std::size_t attempt = 0; attempt < limits::kGallerySnapshotTries; ++attempt) {
      const MonoTime looked = clock_.now();
      std::string key = manifest_key(gallery);
      auto head = co_await store_.head(bucket_, std::move(key));
      if (!head && !is_missing(head.error())) co_return head.error();
      const std::string etag = head ? head->etag : "";
      if (known.snapshot && known.etag == etag) {
        known.checked = looked;
        co_return Result<void>{};
      }
      if (!head) {
        install(known, {}, "", {}, looked);
        co_return Result<void>{};
      }
      auto manifest = co_await get_manifest(gallery);
      if (!manifest && is_missing(manifest.error())) continue;
      if (!manifest) co_return manifest.error();
      auto segments = co_await open_segments(gallery, manifest->first.segments, known);
      if (!segments && is_missing(segments.error())) continue;  // deleted by a newer version since
      if (!segments) co_return segments.error();
      install(known, std::move(manifest->first), std::move(manifest->second), std::move(*segments), looked);
      co_await drop_from_cache(gallery, known.manifest);
      // Round again: if a version came while segments were fetched, one of them may have been deleted everywhere else
      // before it was written here.
    }
    if (known.snapshot) co_return Result<void>{};
    co_return too_many_writers(gallery);
  }

  static void note(Known& known, std::int64_t version, MonoTime looked) {
    known.newest = version;
    known.newest_seen = looked;
  }

  void install(Known& known, Manifest manifest, std::string etag, std::vector<SegmentPointer> segments,
               MonoTime looked) {
    known.snapshot = make_snapshot(manifest, segments);
    known.manifest = std::move(manifest);
    known.etag = std::move(etag);
    known.segments = std::move(segments);
    known.checked = looked;
  }

  Task<Result<std::vector<SegmentPointer>>> open_segments(std::string gallery, std::vector<SegmentEntry> entries,
                                                          const Known& known) {
    std::vector<SegmentPointer> segments(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i)
      for (std::size_t old = 0; old < known.manifest.segments.size() && !segments[i]; ++old)
        if (known.manifest.segments[old].sha256 == entries[i].sha256) segments[i] = known.segments[old];
    Result<void> result;
    co_await open_range(gallery, entries, 0, entries.size(), limits::kGalleryDownloads, segments, result);
    if (!result) co_return result.error();
    co_return segments;
  }

  // Opens those segments of [first, end) that are not open yet, in `ways` ways at once.
  Task<> open_range(const std::string& gallery, const std::vector<SegmentEntry>& entries, std::size_t first,
                    std::size_t end, std::size_t ways, std::vector<SegmentPointer>& segments, Result<void>& result) {
    if (ways > 1 && end - first > 1) {
      using asio::experimental::awaitable_operators::operator&&;
      const std::size_t middle = (first + end) / 2;
      Task<> front = open_range(gallery, entries, first, middle, ways / 2, segments, result);
      Task<> back = open_range(gallery, entries, middle, end, ways / 2, segments, result);
      co_await (std::move(front) && std::move(back));
      co_return;
    }
    for (std::size_t i = first; i < end && result; ++i) {
      if (segments[i]) continue;
      auto segment = co_await open_segment(gallery, entries[i]);
      if (!segment) {
        result = segment.error();
      } else {
        segments[i] = std::move(*segment);
      }
    }
  }

  Task<Result<SegmentPointer>> open_segment(std::string gallery, SegmentEntry entry) {
    auto open = [cache = cache_, gallery, entry] { return cache.open(gallery, entry.sha256); };
    auto cached = co_await on_disk_thread(std::move(open));
    if (cached || !is_missing(cached.error())) co_return cached;
    std::string key = segment_key(gallery, entry.sha256);
    const store::Range index{.first = 0, .last = entry.index_bytes - 1};
    auto object = co_await store_.get(bucket_, std::move(key), index);
    if (!object) co_return object.error();
    co_return co_await keep(gallery, entry.sha256, std::move(object->body));
  }

  Task<Result<SegmentPointer>> keep(std::string gallery, std::string sha256, Bytes index) {
    auto keep = [cache = cache_, gallery, sha256, index = std::move(index)]() mutable {
      return cache.keep(gallery, sha256, std::move(index));
    };
    co_return co_await on_disk_thread(std::move(keep));
  }

  Task<> drop_from_cache(std::string gallery, const Manifest& manifest) {
    std::vector<std::string> names;
    for (const SegmentEntry& entry : manifest.segments) names.push_back(entry.sha256);
    auto drop = [cache = cache_, gallery, names = std::move(names)] {
      cache.drop_all_but(gallery, names);
      return true;
    };
    co_await on_disk_thread(std::move(drop));
  }

  static bool holds_person(const Known& known, std::string_view person) {
    return std::ranges::any_of(known.segments, [&](const SegmentPointer& segment) {
      const Segment::Range range = segment->rows_of(person);
      return range.first < range.end;
    });
  }

  // A person's templates; its chips are neighbours in each segment, so one ranged read a segment fetches them.
  Task<Result<std::vector<Template>>> fetch_person(std::string gallery, std::string person,
                                                   std::vector<SegmentEntry> entries,
                                                   std::vector<SegmentPointer> segments) {
    std::vector<Template> found;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const Segment::Range range = segments[i]->rows_of(person);
      if (range.first == range.end) continue;
      const ChipPlace first = segments[i]->chip(range.first), last = segments[i]->chip(range.end - 1);
      Bytes chips;
      if (last.offset + last.bytes > first.offset) {
        std::string key = segment_key(gallery, entries[i].sha256);
        const store::Range bytes{.first = entries[i].index_bytes + first.offset,
                                 .last = entries[i].index_bytes + last.offset + last.bytes - 1};
        auto object = co_await store_.get(bucket_, std::move(key), bytes);
        if (!object) co_return object.error();
        chips = std::move(object->body);
      }
      for (std::size_t row = range.first; row < range.end; ++row) {
        const ChipPlace place = segments[i]->chip(row);
        found.push_back(segments[i]->row(row));
        const std::uint64_t offset = place.offset - first.offset;
        if (offset <= chips.size()) found.back().chip_png = chips.substr(offset, place.bytes);
        if (crc32c(found.back().chip_png) != place.crc32c)
          co_return Error{Code::kCorrupt, "a face chip of gallery \"" + gallery + "\" is damaged", "corrupt_segment"};
      }
    }
    co_return found;
  }

  // ---- writing

  // A change to the version that is known. What earlier changes retired, and is due, is deleted first, so that the
  // manifest forgets a segment's name only once its bytes are gone.
  Task<Commit> begin(std::string gallery, const Known& known) {
    Commit commit;
    commit.began = clock_.now();
    commit.next = known.manifest;
    ++commit.next.version;
    const std::int64_t now_ms = clock_.wall_ms();
    auto deleted = co_await delete_retired(gallery, known.manifest, now_ms);
    if (deleted)
      std::erase_if(commit.next.retired, [&](const RetiredSegment& entry) { return entry.due_ms <= now_ms; });
    co_return commit;
  }

  // Puts `templates` as segments of `commit`.
  Task<Result<void>> put_segments(std::string gallery, Commit& commit, std::vector<Template> templates) {
    std::vector<std::vector<Template>> parts = split(std::move(templates));
    for (std::vector<Template>& part : parts) {
      const std::uint64_t rows = part.size();
      const std::uint32_t dimensions = commit.next.dimensions;
      const std::uint64_t salt = random_.next();
      auto encode = [part = std::move(part), dimensions, salt]() mutable {
        return encode_segment(std::move(part), dimensions, salt);
      };
      EncodedSegment segment = co_await on_disk_thread(std::move(encode));
      commit.put.push_back(segment.sha256);
      commit.next.segments.push_back({segment.sha256, rows, segment.bytes.size(), segment.index_bytes});
      Bytes index = segment.bytes.substr(0, segment.index_bytes);
      auto put = co_await put_segment(gallery, segment.sha256, std::move(segment.bytes));
      if (!put) co_return put;
      auto kept = co_await keep(gallery, segment.sha256, std::move(index));
      if (!kept) co_return kept.error();
    }
    co_return Result<void>{};
  }

  Task<Result<void>> put_segment(std::string gallery, std::string sha256, Bytes bytes) {
    std::string key = segment_key(gallery, sha256);
    if (!bucket_made_) {
      auto made = co_await store_.create_bucket(bucket_);
      // Who may write objects may not be allowed to make buckets; then somebody else has made this one.
      if (!made && made.error().code != Code::kDenied) co_return made;
      bucket_made_ = true;
    }
    store::Put options;
    auto put = co_await store_.put(bucket_, std::move(key), std::move(bytes), std::move(options));
    if (!put) co_return put.error();
    co_return Result<void>{};
  }

  Task<Result<std::vector<Template>>> get_templates(std::string gallery, SegmentEntry entry) {
    std::string key = segment_key(gallery, entry.sha256);
    auto object = co_await store_.get(bucket_, std::move(key), std::nullopt);
    if (!object) co_return object.error();
    auto parse = [whole = std::move(object->body), entry]() -> Result<std::vector<Template>> {
      auto segment = Segment::parse(whole.substr(0, entry.index_bytes), entry.sha256);
      if (!segment) return segment.error();
      return (*segment)->templates(BytesView(whole).substr((*segment)->bytes().size()));
    };
    co_return co_await on_disk_thread(std::move(parse));
  }

  // Merges small segments into one, if there are too many. Those that it replaces stay for a while, for readers of
  // older versions.
  Task<Result<void>> merge_segments(std::string gallery, Commit& commit) {
    std::vector<std::size_t> merged = segments_to_merge(commit.next.segments);
    if (merged.size() < 2) co_return Result<void>{};
    std::vector<Template> templates;
    for (const std::size_t i : merged) {
      auto part = co_await get_templates(gallery, commit.next.segments[i]);
      if (!part) co_return part.error();
      std::ranges::move(*part, std::back_inserter(templates));
    }
    std::ranges::sort(merged, std::greater<>());
    for (const std::size_t i : merged) {
      commit.next.retired.push_back({commit.next.segments[i].sha256, clock_.wall_ms() + limits::kGalleryRetiredMs});
      commit.next.segments.erase(commit.next.segments.begin() + static_cast<std::ptrdiff_t>(i));
    }
    co_return co_await put_segments(gallery, commit, std::move(templates));
  }

  // Replaces each segment that holds `person` by one that does not. Returns how many templates went.
  Task<Result<std::uint32_t>> rewrite_without(std::string gallery, Commit& commit, std::vector<SegmentPointer> segments,
                                              std::string person) {
    std::uint32_t removed = 0;
    const std::vector<SegmentEntry> entries = std::exchange(commit.next.segments, {});
    // Whatever older segments are still about may hold the person, so they all go.
    for (RetiredSegment& entry : commit.next.retired) entry.due_ms = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Segment::Range range = segments[i]->rows_of(person);
      if (range.first == range.end) {
        commit.next.segments.push_back(entries[i]);
        continue;
      }
      removed += static_cast<std::uint32_t>(range.end - range.first);
      commit.next.retired.push_back({entries[i].sha256, 0});
      auto rest = co_await get_templates(gallery, entries[i]);
      if (!rest) co_return rest.error();
      std::erase_if(*rest, [&](const Template& row) { return row.person == person; });
      auto put = co_await put_segments(gallery, commit, std::move(*rest));
      if (!put) co_return put.error();
    }
    co_return removed;
  }

  // Makes `commit` the gallery's newest version if all its segments were put. False: another writer was faster.
  Task<Result<bool>> finish(std::string gallery, Known& known, const Commit& commit, Result<void> segments_put) {
    Result<store::ObjectInfo> written = Error{Code::kConflict, "", ""};
    // A segment that waits too long for its manifest could be taken for litter: then begin anew.
    const bool late = clock_.now() - commit.began > Millis(limits::kGalleryCommitMs);
    if (segments_put && !late) {
      store::Put options;
      options.content_type = "application/json";
      options.if_absent = known.etag.empty();
      if (!known.etag.empty()) options.if_etag = known.etag;
      std::string key = manifest_key(gallery);
      Bytes body = encode(commit.next);
      written = co_await store_.put(bucket_, std::move(key), std::move(body), std::move(options));
    }
    if (segments_put && written) {
      note(known, commit.next.version, clock_.now());
      const Turn::Pass pass = co_await known.reading.take();
      auto segments = co_await open_segments(gallery, commit.next.segments, known);
      // Should the disk of the cache fail now, the change is made all the same: the next snapshot() will say so.
      if (segments) install(known, commit.next, written->etag, std::move(*segments), clock_.now());
      co_await drop_from_cache(gallery, commit.next);
      co_return true;
    }
    const bool conflict = segments_put && written.error().code == Code::kConflict;
    // After any other failure of the manifest's put nobody knows whether it names these segments, so they stay.
    if (!segments_put || conflict) co_await forget(gallery, commit);
    if (conflict) co_return false;
    co_return segments_put ? written.error() : segments_put.error();
  }

  // Deletes what a change had put that did not come to be. What fails here is litter, swept later.
  // A change that another seems to have overtaken may have come to be all the same, its answer lost, and be what the
  // other built on: what the manifest names now stays.
  Task<> forget(std::string gallery, const Commit& commit) {
    auto now = co_await get_manifest(gallery);
    if (!now && !is_missing(now.error())) co_return;
    std::set<std::string> named;
    if (now) {
      for (const SegmentEntry& entry : now->first.segments) named.insert(entry.sha256);
      for (const RetiredSegment& entry : now->first.retired) named.insert(entry.sha256);
    }
    std::vector<std::string> keys;
    for (const std::string& sha256 : commit.put)
      if (!named.contains(sha256)) keys.push_back(segment_key(gallery, sha256));
    if (!keys.empty()) (void)co_await store_.remove(bucket_, std::move(keys));
  }

  // Deletes the segments that `manifest` retired and that are due at `now_ms`.
  Task<Result<void>> delete_retired(std::string gallery, Manifest manifest, std::int64_t now_ms) {
    std::vector<std::string> keys;
    for (const RetiredSegment& entry : manifest.retired)
      if (entry.due_ms <= now_ms) keys.push_back(segment_key(gallery, entry.sha256));
    if (keys.empty()) co_return Result<void>{};
    co_return co_await store_.remove(bucket_, std::move(keys));
  }

  // Deletes all segments but those of `manifest` and those that some writer may have just put.
  Task<Result<void>> delete_everything_else(std::string gallery, Manifest manifest) {
    auto retired = co_await delete_retired(gallery, manifest, INT64_MAX);
    if (!retired) co_return retired;
    std::set<std::string> live;
    for (const SegmentEntry& entry : manifest.segments) live.insert(segment_key(gallery, entry.sha256));
    store::List query;
    query.prefix = segments_prefix(gallery);
    for (;;) {
      store::List page_query = query;
      auto page = co_await store_.list(bucket_, std::move(page_query));
      if (!page) co_return page.error();
      std::vector<std::string> keys;
      for (const store::ObjectInfo& object : page->objects)
        if (!live.contains(object.key) && object.modified_ms < clock_.wall_ms() - limits::kGalleryOrphanMs)
          keys.push_back(object.key);
      if (!keys.empty()) {
        auto removed = co_await store_.remove(bucket_, std::move(keys));
        if (!removed) co_return removed;
      }
      if (!page->truncated) co_return Result<void>{};
      query.start_after = page->next_start_after;
    }
  }

  // ---- refusals

  static Result<void> check_addition(std::string_view gallery, std::string_view model,
                                     const std::vector<Template>& templates) {
    if (auto name = check_gallery_name(gallery); !name) return name;
    if (model.empty()) return Error{Code::kInvalidInput, "templates need the name of their model", "no_model"};
    for (const Template& row : templates)
      if (auto valid = check_template(row, templates.front().embedding.size()); !valid) return valid;
    return {};
  }

  static Error model_mismatch(const std::string& gallery, const Known& known, const std::string& model) {
    return {Code::kConflict,
            "gallery \"" + gallery + "\" holds embeddings of " + known.manifest.model + ", not of " + model +
                ": use another gallery, or re-enrol",
            "model_mismatch"};
  }

  static Error too_many_writers(const std::string& gallery) {
    return {Code::kBusy, "gallery \"" + gallery + "\" is being changed by too many at once: try again", "contended"};
  }

  static Error no_such_person(const std::string& gallery, const std::string& person) {
    return {Code::kNotFound, "there is no \"" + person + "\" in gallery \"" + gallery + "\"", "no_such_person"};
  }

  template <class T>
  static Result<void> as_done(const Result<T>& result) {
    if (!result) return result.error();
    return {};
  }

  store::ObjectStore& store_;
  const std::string bucket_;
  const SegmentCache cache_;
  const Clock& clock_;
  SystemRandom random_;  // salts need not be replayed
  bool bucket_made_ = false;
  std::map<std::string, std::shared_ptr<Known>> known_;
  asio::thread_pool disk_{1};
};

}  // namespace

std::unique_ptr<Galleries> Galleries::open(store::ObjectStore& store, std::string bucket,
                                           std::filesystem::path cache_dir, const Clock& clock) {
  return std::make_unique<StoredGalleries>(store, std::move(bucket), cache_dir, clock);
}

}  // namespace facefleet::gallery
