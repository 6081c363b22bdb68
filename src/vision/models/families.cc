#include <string>

#include "vision/models/model.h"

namespace facefleet::vision {
namespace {

struct DetectorFamily {
  std::string_view name;
  Result<std::unique_ptr<Detector>> (*open)(Engine&, const ModelSpec&);
};
constexpr std::array<DetectorFamily, 1> kDetectors{{{"yunet", open_yunet}}};

struct EmbedderFamily {
  std::string_view name;
  Result<std::unique_ptr<Embedder>> (*open)(Engine&, const ModelSpec&, Precision);
};
constexpr std::array<EmbedderFamily, 1> kEmbedders{{{"sface", open_sface}}};

struct ScorerFamily {
  std::string_view name;
  Result<std::unique_ptr<Scorer>> (*open)(Engine&, const ModelSpec&);
};
constexpr std::array<ScorerFamily, 1> kScorers{{{"mobilenet", open_mobilenet}}};

Error unknown_family(const ModelSpec& spec, std::string_view role) {
  return {Code::kInvalidInput,
          "the model " + spec.name + " is of the family '" + spec.family + "', which is no " + std::string(role) +
              " that this version knows",
          "unknown_family"};
}

}  // namespace

Result<std::unique_ptr<Detector>> open_detector(Engine& engine, const ModelSpec& spec) {
  for (const DetectorFamily& family : kDetectors)
    if (family.name == spec.family) return family.open(engine, spec);
  return unknown_family(spec, "detector");
}

Result<std::unique_ptr<Embedder>> open_embedder(Engine& engine, const ModelSpec& spec, Precision precision) {
  for (const EmbedderFamily& family : kEmbedders)
    if (family.name == spec.family) return family.open(engine, spec, precision);
  return unknown_family(spec, "embedder");
}

Result<std::unique_ptr<Scorer>> open_scorer(Engine& engine, const ModelSpec& spec) {
  for (const ScorerFamily& family : kScorers)
    if (family.name == spec.family) return family.open(engine, spec);
  return unknown_family(spec, "classifier");
}

}  // namespace facefleet::vision
