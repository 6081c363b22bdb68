// One version of a gallery over its segments, searchable.
#pragma once

#include <memory>
#include <vector>

#include "gallery/gallery.h"
#include "gallery/manifest.h"
#include "gallery/segment.h"

namespace facefleet::gallery {

// Whether any of `segments` has this photo (32 raw bytes of SHA-256) for this person.
bool holds(const std::vector<std::shared_ptr<const Segment>>& segments, std::string_view person, BytesView digest);

std::shared_ptr<const Snapshot> make_snapshot(const Manifest& manifest,
                                              std::vector<std::shared_ptr<const Segment>> segments);

}  // namespace facefleet::gallery
