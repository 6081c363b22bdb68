// From a profile and its model cards to what the vision room needs.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "config/profile.h"
#include "vision/classifier.h"
#include "vision/pipeline.h"
#include "worker/vision_thread.h"

namespace facefleet::apps {

// `cache_dir`: compiled models are kept there; empty: nowhere. kNotFound says how to fetch a model that is missing.
Result<vision::PipelineOptions> pipeline_options(const config::Profile& profile,
                                                 const std::filesystem::path& cache_dir);

Result<vision::ClassifierOptions> classifier_options(const config::Profile& profile,
                                                     const std::filesystem::path& cache_dir);

// Those of the profile's kind of job.
Result<worker::ModelOptions> model_options(const config::Profile& profile, const std::filesystem::path& cache_dir);

}  // namespace facefleet::apps
