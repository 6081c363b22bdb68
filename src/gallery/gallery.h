// Named galleries of persons and their templates, kept in an ObjectStore as a manifest plus immutable
// segments:
//
//     <gallery>/manifest.json            version, model, dimensions, segments, retired segments (manifest.h)
//     <gallery>/segments/<sha256>.seg    templates: embeddings (f32 and int8), persons, photo digests, chips
//     (segment.h)
//
// A change writes new segments first, then the manifest by compare-and-swap on its ETag, so a reader
// sees one version, whole. Deleting a person rewrites the segments that hold it: the bytes go.
// Machines keep what a search needs of each segment as a mapped file; chips stay in the store until they are asked for.
// Thread rule: base/task.h; a Snapshot is immutable and may be searched on any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "gallery/template.h"
#include "store/object_store.h"

namespace facefleet::gallery {

struct PersonInfo {
  std::string person;
  std::uint32_t templates = 0;
};

// One version of a gallery, searchable. Immutable and thread-safe; holds its segments mapped.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual std::int64_t version() const = 0;             // 0: the gallery does not exist yet (and is empty)
  virtual const std::string& model() const = 0;         // e.g. "sface@0ba9fbfa"; empty at version 0
  virtual std::uint64_t size() const = 0;               // templates
  virtual std::vector<PersonInfo> persons() const = 0;  // by name, bytewise
  virtual std::vector<Template> templates(const std::string& person) const = 0;  // without chips: Galleries::templates
  virtual bool holds(const std::string& person, const std::string& photo_sha256) const = 0;

  // The `persons_max` persons most similar to `embedding` (unit length, the model's dimensions), best first,
  // each by its most similar template; ties by name. Exact: an int8 scan (SIMD), then f32 on the candidates.
  virtual std::vector<Match> search(const std::vector<float>& embedding, std::uint32_t persons_max) const = 0;
  // The same for several embeddings, which share each pass over the gallery: the faces of one photo.
  virtual std::vector<std::vector<Match>> search_all(const std::vector<std::vector<float>>& embeddings,
                                                     std::uint32_t persons_max) const = 0;
};

struct Changes {
  std::uint32_t added = 0;    // templates
  std::uint32_t present = 0;  // were there already (same person, same photo)
  std::uint32_t removed = 0;  // templates
  std::int64_t version = 0;   // of the gallery that holds the change
};

// The galleries of one bucket. Safe for several processes on one bucket.
class Galleries {
 public:
  // `cache_dir`: where segments are downloaded to and mapped from; shared by the processes of a machine.
  static std::unique_ptr<Galleries> open(store::ObjectStore& store, std::string bucket, std::filesystem::path cache_dir,
                                         const Clock& clock);
  virtual ~Galleries() = default;

  // The newest version of `gallery` if what is cached is older than `max_age` or is a version below `version_min`, else
  // the cached one. A gallery that does not exist is an empty snapshot, version 0.
  virtual Task<Result<std::shared_ptr<const Snapshot>>> snapshot(std::string gallery, Millis max_age,
                                                                 std::int64_t version_min = 0) = 0;

  // The number of the newest version, as a look at the store at most `max_age` ago found it; 0: the gallery does not
  // exist. At least that of every change that this object has finished. One small read at most; opens no segment.
  virtual Task<Result<std::int64_t>> version(std::string gallery, Millis max_age) = 0;

  // Adds templates in one new version (made on first use). kConflict with reason `model_mismatch` if the gallery
  // holds another model's embeddings. Names: gallery [a-z0-9-]{1,64}; person 1–255 bytes of UTF-8 without control
  // characters, not "unknown" or "no face"; else kInvalidInput.
  virtual Task<Result<Changes>> add(std::string gallery, std::string model, std::vector<Template> templates) = 0;

  // A person's templates with their chips, which are fetched from the store. kNotFound; kCorrupt.
  virtual Task<Result<std::vector<Template>>> templates(std::string gallery, std::string person) = 0;

  // Deletes a person and every byte of its templates and chips, from store and cache. kNotFound.
  virtual Task<Result<Changes>> remove_person(std::string gallery, std::string person) = 0;

  // Deletes a gallery, bytes included. kNotFound. Its manifest stays, naming nothing, so that its versions go on rising
  // if it is made again.
  virtual Task<Result<void>> remove_gallery(std::string gallery) = 0;

  virtual Task<Result<std::vector<std::string>>> list() = 0;
};

}  // namespace facefleet::gallery
