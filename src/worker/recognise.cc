#include "worker/recognise.h"

#include <chrono>
#include <cstring>

namespace facefleet::worker {
namespace {

jobs::Outcome begin(const jobs::Job& job) {
  jobs::Outcome outcome;
  outcome.job_id = job.id;
  outcome.kind = job.kind;
  outcome.name = job.name;
  outcome.gallery = job.gallery;
  return outcome;
}

jobs::Face to_answer(const vision::Face& seen) {
  jobs::Face face;
  face.box = {seen.box.x, seen.box.y, seen.box.width, seen.box.height};
  for (std::size_t i = 0; i < face.landmarks.size(); ++i)
    face.landmarks[i] = {seen.landmarks[i].x, seen.landmarks[i].y};
  face.score = seen.score;
  return face;
}

void name_face(jobs::Face& face, const std::vector<float>& embedding, const gallery::Snapshot& gallery,
               std::uint32_t matches_max, float threshold) {
  face.label = jobs::kUnknown;
  for (auto& match : gallery.search(embedding, matches_max))
    face.matches.push_back({std::move(match.person), match.similarity, match.similarity >= threshold});
  if (!face.matches.empty() && face.matches.front().above_threshold) face.label = face.matches.front().person;
}

}  // namespace

jobs::Outcome failed(const jobs::Job& job, std::string reason, std::string message) {
  jobs::Outcome outcome = begin(job);
  outcome.error_reason = std::move(reason);
  outcome.error_message = std::move(message);
  return outcome;
}

jobs::Outcome recognise(const jobs::Job& job, BytesView photo, const gallery::Snapshot* gallery,
                        vision::Pipeline& pipeline, float threshold) {
  const bool embed_only = job.kind == jobs::Kind::kEmbed;
  if (gallery != nullptr && gallery->version() > 0 && gallery->model() != pipeline.embedder_version())
    return failed(job, "model_mismatch",
                  "gallery `" + job.gallery + "` holds embeddings of " + gallery->model() + ", this worker runs " +
                      pipeline.embedder_version() + "; enrol its photos again");
  vision::AnalyseOptions options;
  options.embed_all = !embed_only;
  options.keep_chips = embed_only;
  auto analysis = pipeline.analyse(photo, options);
  if (!analysis) return failed(job, analysis.error().reason, analysis.error().message);

  jobs::Outcome outcome = begin(job);
  outcome.width = analysis->width;
  outcome.height = analysis->height;
  outcome.rotation = analysis->rotation;
  outcome.main_face = analysis->main_face;
  outcome.model = pipeline.embedder_version();
  outcome.gallery_version = gallery != nullptr ? gallery->version() : 0;
  const auto& timings = analysis->timings;
  outcome.stages = {{"decode", timings.decode_ms},
                    {"detect", timings.detect_ms},
                    {"align", timings.align_ms},
                    {"embed", timings.embed_ms}};

  const auto search_began = std::chrono::steady_clock::now();
  for (const auto& seen : analysis->faces) {
    outcome.faces.push_back(to_answer(seen));
    if (gallery != nullptr && !seen.embedding.empty())
      name_face(outcome.faces.back(), seen.embedding, *gallery, job.matches_max, threshold);
  }
  outcome.stages.push_back(
      {"search", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - search_began).count()});

  if (outcome.main_face < 0) {
    outcome.label = jobs::kNoFace;
    return outcome;
  }
  const auto& main = analysis->faces[static_cast<std::size_t>(outcome.main_face)];
  outcome.label = outcome.faces[static_cast<std::size_t>(outcome.main_face)].label;
  if (embed_only) {
    outcome.embedding.emplace(main.embedding.size() * sizeof(float), '\0');
    std::memcpy(outcome.embedding->data(), main.embedding.data(), outcome.embedding->size());
    if (main.chip) outcome.chip_png = vision::encode_png(*main.chip);
  }
  return outcome;
}

jobs::Outcome classify(const jobs::Job& job, BytesView photo, vision::Classifier& classifier) {
  auto found = classifier.classify(photo, job.matches_max);
  if (!found) return failed(job, found.error().reason, found.error().message);
  jobs::Outcome outcome = begin(job);
  outcome.width = found->width;
  outcome.height = found->height;
  outcome.model = classifier.version();
  for (auto& one : found->classes) outcome.classes.push_back({std::move(one.name), one.score});
  if (!outcome.classes.empty()) outcome.label = outcome.classes.front().name;
  outcome.stages = {{"decode", found->decode_ms}, {"resize", found->resize_ms}, {"classify", found->classify_ms}};
  return outcome;
}

}  // namespace facefleet::worker
