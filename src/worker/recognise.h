// One photo and one gallery in, one outcome out. Pure functions of their arguments: running one twice is harmless, and
// that is what makes at-least-once delivery so.
#pragma once

#include "gallery/gallery.h"
#include "jobs/job.h"
#include "vision/classifier.h"
#include "vision/pipeline.h"

namespace facefleet::worker {

// `threshold`: cosine similarity from which a match is a match. `gallery` may be null for kEmbed.
jobs::Outcome recognise(const jobs::Job& job, BytesView photo, const gallery::Snapshot* gallery,
                        vision::Pipeline& pipeline, float threshold);

// What is in the photo, the job's `matches_max` likeliest classes.
jobs::Outcome classify(const jobs::Job& job, BytesView photo, vision::Classifier& classifier);

// An outcome that says why a photo was not recognised.
jobs::Outcome failed(const jobs::Job& job, std::string reason, std::string message);

}  // namespace facefleet::worker
