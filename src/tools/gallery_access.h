// What `facefleet gallery` does, on a system that runs (through its API) or on one that is down (in its store).
// Thread rule: base/task.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "gallery/gallery.h"
#include "tools/api_client.h"

namespace facefleet::tools {

struct GallerySummary {
  std::string name;
  std::string model;
  std::int64_t version = 0;
  std::uint64_t persons = 0, templates = 0;
};

class GalleryAccess {
 public:
  virtual ~GalleryAccess() = default;
  virtual Task<Result<std::vector<GallerySummary>>> list() = 0;
  virtual Task<Result<std::vector<gallery::PersonInfo>>> persons(std::string gallery) = 0;  // kNotFound
  virtual Task<Result<void>> remove_person(std::string gallery, std::string person) = 0;    // kNotFound
  virtual Task<Result<void>> remove_gallery(std::string gallery) = 0;                       // kNotFound

  // A person's templates as lines of JSON: `gallery`, `person`, `model`, `source`, `photo_sha256`,
  // `embedding_f32_base64` (little-endian), `chip_png_base64`.
  virtual Task<Result<std::string>> export_person(std::string gallery, std::string person) = 0;
};

std::unique_ptr<GalleryAccess> open_remote_galleries(ApiClient& client);             // must outlive it
std::unique_ptr<GalleryAccess> open_local_galleries(gallery::Galleries& galleries);  // likewise

// Exports `person`, or everybody where it is empty, person by person.
Task<Result<void>> export_gallery(GalleryAccess& access, std::string gallery, std::string person,
                                  std::function<Result<void>(std::string_view lines)> write);

std::string to_text(const std::vector<GallerySummary>& galleries);
std::string to_text(const std::vector<gallery::PersonInfo>& persons);

}  // namespace facefleet::tools
