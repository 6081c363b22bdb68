#include "apps/pipeline_options.h"

#include "apps/place.h"
#include "config/model_card.h"

namespace facefleet::apps {
namespace {

Result<vision::ModelSpec> to_spec(const std::vector<config::ModelCard>& cards, const std::string& name,
                                  std::string_view role) {
  auto card = config::find_model_card(cards, name);
  if (!card) return card.error();
  if (card->role != role)
    return Error{Code::kInvalidInput, "model `" + name + "` is a " + card->role + ", not a " + std::string(role),
                 "bad_card"};
  vision::ModelSpec spec;
  spec.name = card->name;
  spec.family = card->family;
  spec.sha256 = card->sha256;
  spec.file = model_files_dir() / card->file;  // an absolute file stays as it is
  spec.dimensions = card->dimensions;
  spec.threshold = static_cast<float>(card->threshold);
  if (!card->classes_file.empty()) spec.classes_file = model_files_dir() / card->classes_file;
  spec.classes_sha256 = card->classes_sha256;
  std::error_code failed;
  if (!std::filesystem::exists(spec.file, failed))
    return Error{Code::kNotFound,
                 spec.file.string() + " is missing; `./dev build` fetches the models of all shipped profiles",
                 "no_model_file"};
  return spec;
}

}  // namespace

Result<vision::PipelineOptions> pipeline_options(const config::Profile& profile,
                                                 const std::filesystem::path& cache_dir) {
  auto cards = config::load_model_cards(share_dir() / "models");
  if (!cards) return cards.error();
  auto detector = to_spec(*cards, profile.vision_detector, "detector");
  if (!detector) return detector.error();
  auto embedder = to_spec(*cards, profile.vision_embedder, "embedder");
  if (!embedder) return embedder.error();
  vision::PipelineOptions options;
  options.detector = std::move(*detector);
  options.embedder = std::move(*embedder);
  options.cache_dir = cache_dir;
  options.embedder_precision = profile.vision_precision == "f32"    ? vision::Precision::kF32
                               : profile.vision_precision == "bf16" ? vision::Precision::kBf16
                                                                    : vision::Precision::kAuto;
  return options;
}

Result<vision::ClassifierOptions> classifier_options(const config::Profile& profile,
                                                     const std::filesystem::path& cache_dir) {
  auto cards = config::load_model_cards(share_dir() / "models");
  if (!cards) return cards.error();
  auto classifier = to_spec(*cards, profile.vision_classifier, "classifier");
  if (!classifier) return classifier.error();
  return vision::ClassifierOptions{std::move(*classifier), cache_dir};
}

Result<worker::ModelOptions> model_options(const config::Profile& profile, const std::filesystem::path& cache_dir) {
  if (profile.jobs_kind == "classify") {
    auto classifier = classifier_options(profile, cache_dir);
    if (!classifier) return classifier.error();
    return worker::ModelOptions(std::move(*classifier));
  }
  auto pipeline = pipeline_options(profile, cache_dir);
  if (!pipeline) return pipeline.error();
  return worker::ModelOptions(std::move(*pipeline));
}

}  // namespace facefleet::apps
