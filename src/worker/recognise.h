// One photo and one gallery in, one outcome out. A pure function of its arguments: running it twice is harmless, and
// that is what makes at-least-once delivery so.
#pragma once

#include "gallery/gallery.h"
#include "jobs/job.h"
#include "vision/pipeline.h"

namespace facefleet::worker {

// `threshold`: cosine similarity from which a match is a match. `gallery` may be null for kEmbed.
jobs::Outcome recognise(const jobs::Job& job, BytesView photo, const gallery::Snapshot* gallery,
                        vision::Pipeline& pipeline, float threshold);

// An outcome that says why a photo was not recognised.
jobs::Outcome failed(const jobs::Job& job, std::string reason, std::string message);

}  // namespace facefleet::worker
